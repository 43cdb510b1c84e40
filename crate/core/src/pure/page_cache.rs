//! Pages in memory within a budget of bytes: the 2Q policy, which a scan cannot flush.
//!
//! A page that comes for the first time waits in a queue of a quarter of the budget and leaves at its end,
//! however often it is used there: the uses of one scan or transaction come together and say nothing. One
//! that is asked for again after it left is remembered as such and enters the main part, where it stays as
//! long as it is used between two rounds of the clock. Branches go there at once: they are few, and every
//! read passes them.

use std::collections::VecDeque;
use std::rc::Rc;

use super::page::{Page, PageKind};
use super::sorted_map::{SortedMap, SortedSet};
use crate::words::PageId;

/// Counted per page besides its bytes.
const PAGE_OVERHEAD_BYTES: usize = 160;
/// New pages have this part of the budget: one in so many.
const NEW_PART: usize = 4;

#[derive(Debug)]
struct Slot {
    page: Rc<Page>,
    is_main: bool,
    is_used: bool,
}

/// Pages by id.
#[derive(Debug)]
pub struct PageCache {
    bytes_max: usize,
    slots: SortedMap<PageId, Slot>,
    /// Pages that came for the first time, oldest first.
    new: VecDeque<PageId>,
    /// The others, in the order of the clock.
    main: VecDeque<PageId>,
    /// Pages that left `new` unused, oldest first; there may be some that have come back.
    left: VecDeque<PageId>,
    left_ids: SortedSet<PageId>,
    bytes: usize,
    new_bytes: usize,
}

impl PageCache {
    /// An empty cache that holds about so many bytes.
    pub fn new(bytes_max: usize) -> PageCache {
        PageCache {
            bytes_max,
            slots: SortedMap::default(),
            new: VecDeque::new(),
            main: VecDeque::new(),
            left: VecDeque::new(),
            left_ids: SortedSet::default(),
            bytes: 0,
            new_bytes: 0,
        }
    }

    /// The bytes that it holds.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many pages it holds.
    pub fn page_count(&self) -> usize {
        self.slots.len()
    }

    /// A page, which thereby counts as used.
    pub fn get(&mut self, id: PageId) -> Option<Rc<Page>> {
        let slot = self.slots.get_mut(&id)?;
        slot.is_used = true;
        Some(Rc::clone(&slot.page))
    }

    /// Whether a page is here; it does not count as used.
    pub fn contains(&self, id: PageId) -> bool {
        self.slots.contains_key(&id)
    }

    /// Adds a page and lets go of others for it.
    pub fn insert(&mut self, page: Rc<Page>) {
        let id = page.id();
        if self.slots.contains_key(&id) {
            return;
        }
        let bytes = page_bytes(&page);
        let is_main = self.left_ids.remove(&id).is_some() || matches!(page.kind(), PageKind::Branch(_));
        let queue = if is_main { &mut self.main } else { &mut self.new };
        queue.push_back(id);
        self.bytes += bytes;
        if !is_main {
            self.new_bytes += bytes;
        }
        self.slots.insert(
            id,
            Slot {
                page,
                is_main,
                is_used: false,
            },
        );
        while self.bytes > self.bytes_max && !self.slots.is_empty() {
            if self.new_bytes > self.bytes_max / NEW_PART || self.main.is_empty() {
                self.evict_new();
            } else {
                self.turn_clock();
            }
        }
    }

    /// Forgets a page that is gone for good.
    pub fn remove(&mut self, id: PageId) {
        if let Some(slot) = self.slots.remove(&id) {
            let queue = if slot.is_main {
                &mut self.main
            } else {
                &mut self.new
            };
            queue.retain(|&other| other != id);
            self.uncount(&slot);
        }
    }

    fn evict_new(&mut self) {
        let Some(id) = self.new.pop_front() else { return };
        if let Some(slot) = self.slots.remove(&id) {
            self.uncount(&slot);
        }
        self.left.push_back(id);
        self.left_ids.insert(id, ());
        // As many as there are pages, so that the main part can be found again once over.
        while self.left.len() > self.slots.len() + 1 {
            if let Some(forgotten) = self.left.pop_front() {
                self.left_ids.remove(&forgotten);
            }
        }
    }

    fn turn_clock(&mut self) {
        let Some(id) = self.main.pop_front() else { return };
        let Some(slot) = self.slots.get_mut(&id) else {
            return;
        };
        if std::mem::take(&mut slot.is_used) {
            self.main.push_back(id);
        } else if let Some(slot) = self.slots.remove(&id) {
            self.uncount(&slot);
        }
    }

    fn uncount(&mut self, slot: &Slot) {
        let bytes = page_bytes(&slot.page);
        self.bytes -= bytes;
        if !slot.is_main {
            self.new_bytes -= bytes;
        }
    }
}

fn page_bytes(page: &Page) -> usize {
    page.byte_count() + PAGE_OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use super::super::page_encoder::encode_chunk;
    use super::*;

    const PAGES_MAX: u64 = 100;

    fn page(number: u64) -> Rc<Page> {
        let id = PageId::new(number);
        Rc::new(Page::decode(id, encode_chunk(id, &[0; 840 - 28])).unwrap())
    }

    /// Uses a page as a reader does; false if it had to be fetched.
    fn read(cache: &mut PageCache, number: u64) -> bool {
        let is_hit = cache.get(PageId::new(number)).is_some();
        if !is_hit {
            cache.insert(page(number));
            // The reader that asked for it comes back to it at once.
            cache.get(PageId::new(number));
            cache.get(PageId::new(number));
        }
        is_hit
    }

    fn cache() -> PageCache {
        PageCache::new(PAGES_MAX as usize * 1_000)
    }

    #[test]
    fn the_cache_stays_within_its_budget_and_counts_exactly() {
        let mut cache = cache();
        for number in 0..1_000 {
            read(&mut cache, number * 7 % 311 + 1);
            assert!(cache.bytes() <= PAGES_MAX as usize * 1_000);
            assert_eq!(cache.bytes(), cache.page_count() * 1_000);
            if number % 10 == 0 {
                cache.remove(PageId::new(number * 3 % 311 + 1));
            }
        }
        for number in 1..=311 {
            cache.remove(PageId::new(number));
        }
        assert_eq!((cache.bytes(), cache.new_bytes, cache.page_count()), (0, 0, 0));
        assert!(cache.new.is_empty() && cache.main.is_empty());
    }

    #[test]
    fn pages_in_use_survive_a_scan_of_ten_times_the_budget() {
        let mut cache = cache();
        // Fifty pages are used again and again, with others in between, until they are known.
        for number in 0..4_000 {
            read(&mut cache, number % 50 + 1);
            read(&mut cache, 10_000 + number);
        }
        for number in 0..1_000 {
            read(&mut cache, 100_000 + number);
        }
        let hits = (1..=50)
            .filter(|&number| cache.contains(PageId::new(number)))
            .count();
        assert_eq!(hits, 50);
    }

    #[test]
    fn pages_out_of_use_make_room_for_others() {
        let mut cache = cache();
        for number in 0..400 {
            read(&mut cache, number % 90 + 1);
        }
        for number in 0..4_000 {
            read(&mut cache, number % 90 + 1_001);
        }
        let hits = (0..90).filter(|number| read(&mut cache, number + 1_001)).count();
        assert!(hits >= 80, "{hits}");
    }

    #[test]
    fn a_budget_below_one_page_holds_nothing() {
        let mut cache = PageCache::new(10);
        for number in 1..50 {
            assert!(!read(&mut cache, number));
        }
        assert_eq!((cache.page_count(), cache.bytes()), (0, 0));
    }
}
