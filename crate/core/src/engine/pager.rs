//! Pages on their way from the storage to the cache.
//!
//! Whoever needs a page that another one has asked for waits for that one's answer. A page is checked
//! when it arrives. Ids are used once, so a page in the cache is right whatever the root says; one that is
//! gone from the storage means that the root has moved on.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use futures_channel::oneshot;

use super::peer::Engine;
use crate::pure::{Page, PageCache, PageSource, SortedMap};
use crate::storage::Storage;
use crate::words::{Error, ErrorCode, PageId, Perturbation, Result};

/// What became of a page that was asked for.
#[derive(Clone, Debug)]
pub(super) enum Fetched {
    Here(Rc<Page>),
    Gone,
    Failed(Error),
}

type Waiting = SortedMap<PageId, Vec<oneshot::Sender<Fetched>>>;

/// The cache, and what is on its way to it.
#[derive(Debug)]
pub(super) struct Pager {
    cache: RefCell<PageCache>,
    in_flight: RefCell<Waiting>,
    hit_count: Cell<u64>,
    read_count: Cell<u64>,
}

impl Pager {
    pub(super) fn new(cache_bytes: usize) -> Pager {
        Pager {
            cache: RefCell::new(PageCache::new(cache_bytes)),
            in_flight: RefCell::default(),
            hit_count: Cell::new(0),
            read_count: Cell::new(0),
        }
    }

    /// Bytes and pages in the cache, pages found in it, pages read from the storage.
    pub(super) fn counts(&self) -> (usize, usize, u64, u64) {
        let cache = self.cache.borrow();
        (
            cache.bytes(),
            cache.page_count(),
            self.hit_count.get(),
            self.read_count.get(),
        )
    }

    /// Lets go of pages that are deleted, or of everything.
    pub(super) fn forget(&self, ids: &[PageId]) {
        let mut cache = self.cache.borrow_mut();
        for &id in ids {
            cache.remove(id);
        }
    }

    pub(super) fn clear(&self) {
        self.cache.replace(PageCache::new(0));
    }
}

impl PageSource for Pager {
    fn page(&self, id: PageId) -> Option<Rc<Page>> {
        let page = self.cache.borrow_mut().get(id)?;
        self.hit_count.set(self.hit_count.get() + 1);
        Some(page)
    }
}

/// Pages that one read has fetched: kept for it, so that it gets on however small the cache is.
#[derive(Debug, Default)]
pub(super) struct HeldPages {
    pages: VecDeque<Rc<Page>>,
}

/// More than the pages between the root and a leaf with all that are asked for at once.
const HELD_PAGES_MAX: usize = 160;

impl HeldPages {
    fn push(&mut self, page: Rc<Page>) {
        if self.pages.len() == HELD_PAGES_MAX {
            self.pages.pop_front();
        }
        self.pages.push_back(page);
    }
}

/// The cache and the pages that a read holds.
pub(super) struct ReadPages<'a> {
    pub(super) pager: &'a Pager,
    pub(super) held: &'a HeldPages,
}

impl PageSource for ReadPages<'_> {
    fn page(&self, id: PageId) -> Option<Rc<Page>> {
        let held = || self.held.pages.iter().rev().find(|page| page.id() == id);
        self.pager.page(id).or_else(|| held().cloned())
    }
}

/// Answers those who wait for these pages, also if the fetch is dropped.
struct FetchGuard<'a> {
    pager: &'a Pager,
    ids: Vec<PageId>,
}

impl FetchGuard<'_> {
    fn answer(&self, id: PageId, fetched: &Fetched) {
        let waiting = self.pager.in_flight.borrow_mut().remove(&id);
        for sender in waiting.into_iter().flatten() {
            let _receiver_gone = sender.send(fetched.clone());
        }
    }
}

impl Drop for FetchGuard<'_> {
    fn drop(&mut self) {
        for &id in &self.ids {
            self.pager.in_flight.borrow_mut().remove(&id);
        }
    }
}

impl<S: Storage> Engine<S> {
    /// Brings pages into the cache and into `held`.
    ///
    /// # Errors
    /// The storage's; `file_corrupt` if the first page, without which the read can't go on, is damaged.
    pub(super) async fn bring(&self, ids: &[PageId], held: &mut HeldPages) -> Result<()> {
        let generation = self.root_generation();
        let fetched = self.fetch(ids).await?;
        let first = fetched.first().cloned();
        if self.env.is_perturbed(Perturbation::ForgetPages) {
            let capacity = self.options.cache_bytes;
            self.pager.cache.replace(PageCache::new(capacity));
        }
        for page in fetched {
            if let Fetched::Here(page) = page {
                held.push(page);
            }
        }
        match (first, ids.first()) {
            (Some(Fetched::Gone), Some(&id)) => self.explain_gone_page(id, generation).await,
            (Some(Fetched::Failed(error)), _) => Err(error),
            _ => Ok(()),
        }
    }

    /// Fetches pages: those that are not on their way already in one storage operation.
    async fn fetch(&self, ids: &[PageId]) -> Result<Vec<Fetched>> {
        let pager = &self.pager;
        let mut own = Vec::new();
        let mut answers = Vec::with_capacity(ids.len());
        for &id in ids {
            let cached = pager.cache.borrow_mut().get(id);
            if let Some(page) = cached {
                answers.push((id, None, Some(Fetched::Here(page))));
                continue;
            }
            match pager.in_flight.borrow_mut().get_mut(&id) {
                Some(waiting) => {
                    let (sender, receiver) = oneshot::channel();
                    waiting.push(sender);
                    answers.push((id, Some(receiver), None));
                }
                None => {
                    own.push(id);
                    answers.push((id, None, None));
                }
            }
        }
        for &id in &own {
            pager.in_flight.borrow_mut().insert(id, Vec::new());
        }
        let mut found = if own.is_empty() {
            SortedMap::default()
        } else {
            self.fetch_own(own).await?
        };
        let mut fetched = Vec::with_capacity(ids.len());
        for (id, receiver, answer) in answers {
            let answer = match (receiver, answer) {
                (_, Some(answer)) => answer,
                (Some(receiver), None) => receiver.await.unwrap_or_else(|_| {
                    Fetched::Failed(Error::new(
                        ErrorCode::IoError,
                        format!("page {id}: it could not be read"),
                    ))
                }),
                (None, None) => found.remove(&id).unwrap_or(Fetched::Gone),
            };
            fetched.push(answer);
        }
        Ok(fetched)
    }

    async fn fetch_own(&self, ids: Vec<PageId>) -> Result<SortedMap<PageId, Fetched>> {
        let pager = &self.pager;
        let guard = FetchGuard { pager, ids };
        let stored = self.storage.read_pages(&guard.ids).await?;
        pager
            .read_count
            .set(pager.read_count.get() + guard.ids.len() as u64);
        let mut found = SortedMap::default();
        for (&id, bytes) in guard.ids.iter().zip(stored) {
            let fetched = match bytes.map(|bytes| Page::decode(id, bytes)) {
                None => Fetched::Gone,
                Some(Err(error)) => Fetched::Failed(error),
                Some(Ok(page)) => {
                    let page = Rc::new(page);
                    pager.cache.borrow_mut().insert(Rc::clone(&page));
                    Fetched::Here(page)
                }
            };
            guard.answer(id, &fetched);
            found.insert(id, fetched);
        }
        Ok(found)
    }
}
