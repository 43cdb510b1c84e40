//! Deleting condemned pages, piece by piece.
//!
//! The root names what is condemned until all of it is gone, and every deletion can be done twice: ids are
//! used once. So whoever dies in the middle leaves nothing behind that the next one does not find. Of a
//! subtree the lower pages go first: the others are the way to them.

use super::peer::Engine;
use crate::pure::{Child, Condemned, Page, PageKind, Root, StoredValue};
use crate::storage::{FoldRequest, Storage};
use crate::words::{PageId, Probe, Result};

/// Pages that are read at once.
const READ_PAGES: usize = 32;

impl<S: Storage> Engine<S> {
    /// Deletes what the root condemns, unless a fold is under way.
    ///
    /// # Errors
    /// The storage's.
    pub(super) async fn reclaim(&self) -> Result<()> {
        loop {
            self.check_usable_for_commit()?;
            let root = self.root.borrow().root.clone();
            let Some(&condemned) = root.condemned.first() else {
                return Ok(());
            };
            if root.reserved_from.is_some() {
                return Ok(());
            }
            let (mut pages, last) = match condemned {
                Condemned::Range(from, to) => (self.pages_between(from, to).await?, None),
                Condemned::List(list) => (self.listed_pages(list).await?, Some(list)),
                Condemned::Subtree(node) => (self.pages_below(node).await?, None),
            };
            pages.extend(last);
            self.env.note(Probe::Reclaimed);
            if !self.delete_all(&pages).await? {
                // The root has moved on; what it condemns now is looked at again.
                continue;
            }
            let root = self.root.borrow().root.clone();
            let mut remaining = root.condemned.clone();
            remaining.retain(|other| *other != condemned);
            let next = Root {
                condemned: remaining,
                ..root.next()
            };
            if root.reserved_from.is_none() {
                self.switch_root(next, FoldRequest::default()).await?;
            }
            self.env.yield_now().await;
        }
    }

    /// Deletes pages in this order; false if the root has moved on.
    pub(super) async fn delete_all(&self, pages: &[PageId]) -> Result<bool> {
        for ids in pages.chunks(self.options.fold.delete_pages.max(1)) {
            let request = FoldRequest {
                delete_pages: ids.to_vec(),
                ..FoldRequest::default()
            };
            if !self.fold_under_root(request).await? {
                return Ok(false);
            }
            self.pager.forget(ids);
            self.env.yield_now().await;
        }
        Ok(true)
    }

    pub(super) async fn pages_between(&self, from: PageId, to: PageId) -> Result<Vec<PageId>> {
        let mut all = Vec::new();
        let mut next = from;
        loop {
            let ids = self.storage.page_ids(next, PAGE_IDS_AT_ONCE).await?;
            let inside = ids.iter().copied().filter(|&id| id < to);
            all.extend(inside);
            match ids.last() {
                Some(&last) if ids.len() == PAGE_IDS_AT_ONCE && last < to => {
                    next = PageId::new(last.get() + 1);
                }
                _ => return Ok(all),
            }
        }
    }

    pub(super) async fn listed_pages(&self, list: PageId) -> Result<Vec<PageId>> {
        let page = self.read_decodable(&[list]).await?.pop();
        let is_list = |page: &Page| page.kind() == PageKind::List;
        Ok(page
            .filter(is_list)
            .map(|page| page.listed().collect())
            .unwrap_or_default())
    }

    /// A node and all pages below it, the lower ones first. Pages that are gone or damaged are passed over.
    pub(super) async fn pages_below(&self, node: Child) -> Result<Vec<PageId>> {
        // The place is the level + 1; chunks are below the leaves.
        let mut found = Vec::new();
        let mut open = vec![node];
        while !open.is_empty() {
            let nodes = open.split_off(open.len().saturating_sub(READ_PAGES));
            let mut to_read = Vec::new();
            for node in nodes {
                note_page(&mut found, usize::from(node.level) + 1, node.page);
                if node.level > 0 || node.totals.chunks > 0 {
                    to_read.push(node.page);
                }
            }
            for page in self.read_decodable(&to_read).await? {
                for index in 0..page.count() {
                    if page.kind() == PageKind::Leaf {
                        if let StoredValue::Chunked(chunked) = page.value(index) {
                            chunked.pages().for_each(|page| note_page(&mut found, 0, page));
                        }
                    } else {
                        open.push(page.child(index));
                    }
                }
            }
            self.env.yield_now().await;
        }
        for level in &mut found {
            level.sort_unstable();
            level.dedup();
        }
        Ok(found.concat())
    }

    /// Those of the pages that are there and whole, past the cache.
    async fn read_decodable(&self, ids: &[PageId]) -> Result<Vec<Page>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let stored = self.storage.read_pages(ids).await?;
        let pages = ids.iter().zip(stored);
        Ok(pages
            .filter_map(|(&id, bytes)| Page::decode(id, bytes?).ok())
            .collect())
    }
}

fn note_page(found: &mut Vec<Vec<PageId>>, place: usize, page: PageId) {
    if found.len() <= place {
        found.resize(place + 1, Vec::new());
    }
    if let Some(pages) = found.get_mut(place) {
        pages.push(page);
    }
}

/// Page ids that are listed at once.
pub(super) const PAGE_IDS_AT_ONCE: usize = 1_000;
