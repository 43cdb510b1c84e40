//! Looking over a whole database: every page of the tree, everything beside it, and the log.

use super::fold::{FoldExtent, FoldResult};
use super::peer::{Engine, LOG_READ_ENTRIES};
use super::reclaim::PAGE_IDS_AT_ONCE;
use super::root_follower::{is_damage, never_still};
use crate::pure::{
    BoundedChild, ChunkedValue, Condemned, Page, PageKind, RecordReader, RewrittenLeaves, Root, SortedSet,
    check_node,
};
use crate::storage::Storage;
use crate::words::{Error, ErrorCode, PageId, Result};

/// What was looked at, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Leaves and branches of the tree.
    pub node_count: u64,
    /// Pieces of long values.
    pub chunk_count: u64,
    /// Bytes of these pages.
    pub page_bytes: u64,
    /// Key-value pairs in the tree.
    pub row_count: u64,
    /// Bytes of their keys and values.
    pub key_value_bytes: u64,
    /// Entries of the log that are not in pages.
    pub log_entry_count: u64,
    /// Their bytes.
    pub log_bytes: u64,
    /// Pages that are waiting to be deleted, or belong to a fold under way.
    pub superseded_page_count: u64,
    /// Pages that nothing refers to; `compact` deletes them.
    pub unreachable_page_count: u64,
    /// Each with the page or log record in its message.
    pub damage: Vec<Error>,
}

/// Pages that are read at once.
const READ_PAGES: usize = 32;
/// How often a check begins again because the root has moved on.
const ATTEMPTS_MAX: u32 = 20;

impl<S: Storage> Engine<S> {
    /// Reads and checks everything that is stored.
    ///
    /// # Errors
    /// The storage's. Damage is not an error but in the report.
    pub async fn check(&self) -> Result<CheckReport> {
        for _ in 0..ATTEMPTS_MAX {
            self.check_usable()?;
            self.refresh_root().await?;
            let root = self.root.borrow().root.clone();
            let mut report = CheckReport::default();
            let reached = self.check_tree(&root, &mut report, None).await?;
            self.check_others(&root, &reached, &mut report).await?;
            self.check_log(&root, &mut report).await?;
            self.refresh_root().await?;
            if self.root_generation() == root.generation {
                return Ok(report);
            }
        }
        Err(never_still())
    }

    /// Folds what may be folded, writes half-empty leaves together, and deletes what nothing refers to. Running
    /// transactions go on.
    ///
    /// # Errors
    /// As [`Engine::fold`]; `file_corrupt` if a page of the tree is damaged, since what is below it can't be
    /// told from what is unreachable.
    pub async fn compact(&self) -> Result<FoldResult> {
        let folded = self.fold(FoldExtent::Old).await?;
        let mut is_rewritten = false;
        for _ in 0..ATTEMPTS_MAX {
            self.reclaim().await?;
            self.refresh_root().await?;
            let root = self.root.borrow().root.clone();
            if root.reserved_from.is_some() {
                return Ok(FoldResult::Busy);
            }
            let mut report = CheckReport::default();
            let mut sparse = RewrittenLeaves::default();
            let reached = self.check_tree(&root, &mut report, Some(&mut sparse)).await?;
            if let Some(damage) = report.damage.first() {
                // Or a fold has taken the pages away meanwhile.
                self.refresh_root().await?;
                if self.root_generation() == root.generation {
                    return Err(damage.clone());
                }
                continue;
            }
            if !is_rewritten && !sparse.is_empty() {
                is_rewritten = self.rewrite(sparse, root.generation).await? == FoldResult::Folded;
                continue;
            }
            let ids = self.all_page_ids().await?;
            let unreachable: Vec<PageId> = ids.into_iter().filter(|id| !reached.contains_key(id)).collect();
            let is_same_root = self.root_generation() == root.generation;
            if is_same_root && root.condemned.is_empty() && self.delete_all(&unreachable).await? {
                return Ok(folded);
            }
        }
        Err(never_still())
    }

    /// Checks the tree; gives every page that belongs to it, and adds leaves worth writing anew to `sparse`.
    async fn check_tree(
        &self,
        root: &Root,
        report: &mut CheckReport,
        mut sparse: Option<&mut RewrittenLeaves>,
    ) -> Result<SortedSet<PageId>> {
        // The leaf after those that are looked at, with its size: the tree is walked from its end.
        let mut after: Option<(BoundedChild, usize)> = None;
        let mut reached = SortedSet::default();
        let mut open: Vec<BoundedChild> = Vec::new();
        let mut chunked: Vec<ChunkedValue> = Vec::new();
        open.extend(root.tree.map(|node| BoundedChild {
            node,
            low: [].as_slice().into(),
            high: None,
        }));
        while !open.is_empty() || !chunked.is_empty() {
            let nodes = open.split_off(open.len().saturating_sub(READ_PAGES));
            let ids: Vec<PageId> = nodes.iter().map(|expected| expected.node.page).collect();
            let pages = self.read_checked(&ids, report).await?;
            if let Some(sparse) = &mut sparse {
                let sizes = pages.iter().map(|page| page.as_ref().map_or(0, Page::byte_count));
                let sized: Vec<(&BoundedChild, usize)> = nodes.iter().zip(sizes).collect();
                let following = sized.iter().skip(1).copied();
                let following = following.chain(after.as_ref().map(|(node, bytes)| (node, *bytes)));
                for (&one, next) in sized.iter().zip(following) {
                    sparse.add_if_sparse(one, next, &self.options.fold.pages);
                }
                let first_leaf = sized.iter().find(|(node, _)| node.node.level == 0);
                after = first_leaf.map(|&(node, bytes)| (node.clone(), bytes)).or(after);
            }
            for (expected, page) in nodes.iter().zip(pages) {
                reached.insert(expected.node.page, ());
                let Some(page) = page else { continue };
                report.node_count += 1;
                match check_node(&page, expected) {
                    Err(damage) => report.damage.push(damage),
                    Ok(contents) => {
                        if expected.node.level == 0 {
                            report.row_count += expected.node.totals.rows;
                            report.key_value_bytes += expected.node.totals.bytes;
                        }
                        open.extend(contents.children);
                        chunked.extend(contents.chunked);
                    }
                }
            }
            for value in std::mem::take(&mut chunked) {
                let ids: Vec<PageId> = value.pages().collect();
                let chunks = self.read_checked(&ids, report).await?;
                report.chunk_count += ids.len() as u64;
                let is_whole = chunks.iter().all(Option::is_some);
                let bytes: usize = chunks.iter().flatten().map(|page| page.chunk().len()).sum();
                let is_chunk = |page: &Page| page.kind() == PageKind::Chunk;
                if is_whole && (bytes != value.bytes || !chunks.iter().flatten().all(is_chunk)) {
                    let first = ids.first().copied().unwrap_or(PageId::new(0));
                    let detail = format!(
                        "page {first}: a value of {} bytes was expected from here on, found {bytes}",
                        value.bytes
                    );
                    report.damage.push(Error::new(ErrorCode::FileCorrupt, detail));
                }
                reached.insert_keys(ids);
            }
            self.env.yield_now().await;
        }
        Ok(reached)
    }

    /// Counts the pages that are no part of the tree.
    async fn check_others(
        &self,
        root: &Root,
        reached: &SortedSet<PageId>,
        report: &mut CheckReport,
    ) -> Result<()> {
        let mut superseded = SortedSet::default();
        for condemned in &root.condemned {
            match *condemned {
                Condemned::Range(from, to) => superseded.insert_keys(self.pages_between(from, to).await?),
                Condemned::List(list) => {
                    superseded.insert_keys(self.listed_pages(list).await?);
                    superseded.insert(list, ());
                }
                Condemned::Subtree(node) => superseded.insert_keys(self.pages_below(node).await?),
            }
        }
        for id in self.all_page_ids().await? {
            let is_reserved = root.reserved_from.is_some_and(|from| id >= from);
            if superseded.contains_key(&id) || is_reserved {
                report.superseded_page_count += 1;
            } else if !reached.contains_key(&id) {
                report.unreachable_page_count += 1;
            }
        }
        Ok(())
    }

    async fn check_log(&self, root: &Root, report: &mut CheckReport) -> Result<()> {
        let mut after = root.folded_sequence;
        let mut reader = RecordReader::after(after);
        let mut last_version = root.folded_version;
        loop {
            let entries = match self.storage.read_log(after, LOG_READ_ENTRIES).await {
                Err(damage) if is_damage(&damage) => {
                    report.damage.push(damage);
                    return Ok(());
                }
                read => read?.entries,
            };
            for entry in &entries {
                report.log_entry_count += 1;
                report.log_bytes += entry.bytes.len() as u64;
                match reader.push(entry.sequence, &entry.bytes) {
                    Ok(Some(record)) if record.version <= last_version => {
                        let (sequence, version) = (entry.sequence, record.version);
                        let detail = format!(
                            "log record {sequence}: version {version} does not follow version {last_version}"
                        );
                        report.damage.push(Error::new(ErrorCode::FileCorrupt, detail));
                    }
                    Ok(Some(record)) => last_version = record.version,
                    Ok(None) => {}
                    Err(damage) => {
                        // What comes after it can't be told from what belongs to it.
                        report.damage.push(damage);
                        return Ok(());
                    }
                }
            }
            match entries.last() {
                Some(last) if entries.len() == LOG_READ_ENTRIES => after = last.sequence,
                _ if reader.is_inside_record() => {
                    let last = entries.last().map_or(after, |entry| entry.sequence);
                    report.damage.push(super::peer::unfinished(last));
                    return Ok(());
                }
                _ => return Ok(()),
            }
            self.env.yield_now().await;
        }
    }

    async fn all_page_ids(&self) -> Result<Vec<PageId>> {
        let mut all = Vec::new();
        let mut next = PageId::new(0);
        loop {
            let ids = self.storage.page_ids(next, PAGE_IDS_AT_ONCE).await?;
            all.extend_from_slice(&ids);
            match ids.last() {
                Some(last) if ids.len() == PAGE_IDS_AT_ONCE => next = PageId::new(last.get() + 1),
                _ => return Ok(all),
            }
        }
    }

    /// Pages from the storage, past the cache; those that are missing or damaged are reported.
    async fn read_checked(&self, ids: &[PageId], report: &mut CheckReport) -> Result<Vec<Option<Page>>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let stored = self.storage.read_pages(ids).await?;
        let mut pages = Vec::with_capacity(ids.len());
        for (&id, bytes) in ids.iter().zip(stored) {
            let page = match bytes {
                None => Err(Error::new(
                    ErrorCode::FileCorrupt,
                    format!("page {id}: it is missing"),
                )),
                Some(bytes) => {
                    report.page_bytes += bytes.len() as u64;
                    Page::decode(id, bytes)
                }
            };
            pages.push(page.map_err(|damage| report.damage.push(damage)).ok());
        }
        Ok(pages)
    }
}
