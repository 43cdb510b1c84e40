//! A copy-on-write B+tree of pages, written: the next tree from this one and a sorted batch of changes.
//!
//! The update walks over the old tree and the changes together, from the lowest key up, and does a bounded
//! amount of work per step, so that it can stop for missing pages and for the event loop. Nodes without
//! changes become children of the new tree as they are, unread; nodes whose whole range is cleared are
//! dropped, unread. All else is taken apart into entries, which wait in one queue per level until there
//! are enough for two pages, or a node that is kept as it is comes next.
//!
//! A node that would follow an underfull page is taken apart too, so pages that are written are at least
//! a third full, save where the tree ends. Nothing is held but the path in the old tree and these queues.

use std::collections::VecDeque;
use std::rc::Rc;

use super::evaluate::evaluate;
use super::page::{Child, ChunkedValue, Page, StoredValue};
use super::page_encoder::{Entry, PageOptions, encode_chunk, encode_entries, shortest_separator, totals};
use super::page_level::Level;
use super::page_source::{Found, PageSource, Stop};
use super::tree::{Tree, node_page, read_value};
use crate::words::{AtomicOp, Key, KeyRange, PageId, Value, key_after};

/// What happens to a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// It gets this value.
    Set(Value),
    /// It disappears.
    Clear,
    /// Its value is what these operations make of it, in order.
    Operations(Vec<(AtomicOp, Value)>),
}

/// A batch of changes: cleared ranges first, then single keys.
pub trait Changes {
    /// Up to `limit` changed keys of `begin..end` in ascending order; `None` for no end.
    fn keys(&self, begin: &[u8], end: Option<&[u8]>, limit: usize) -> Vec<(Key, KeyChange)>;

    /// The first of the disjoint cleared ranges that ends after `key`.
    fn clear_reaching(&self, key: &[u8]) -> Option<KeyRange>;

    /// Whether a leaf between these keys is to be written anew although nothing in it changes.
    fn is_rewritten(&self, low: &[u8], high: Option<&[u8]>) -> bool {
        let _nothing_is = (low, high);
        false
    }
}

/// What an update has made since it was last asked, and what the new tree does without.
#[derive(Debug, Default)]
pub struct UpdateOutput {
    /// New pages.
    pub written: Vec<(PageId, Vec<u8>)>,
    /// Single pages that are in the old tree only.
    pub replaced: Vec<PageId>,
    /// Branches that are, with everything below them, in the old tree only.
    pub dropped: Vec<Child>,
}

/// How far an update is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There is more to do.
    Working,
    /// All pages of this tree are written.
    Done(Tree),
}

/// Rows of a leaf, or changed keys, that one step deals with.
const STEP_ROWS: usize = 128;
/// Pages that are asked for at once.
const PREFETCH_PAGES_MAX: usize = 32;

/// A branch of the old tree that is being taken apart.
#[derive(Debug)]
struct OpenBranch {
    page: Rc<Page>,
    low: Key,
    high: Option<Key>,
    /// The child that comes next.
    next: usize,
}

impl OpenBranch {
    fn low(&self, index: usize) -> Key {
        if index == 0 {
            self.low.clone()
        } else {
            self.page.key(index)
        }
    }

    fn high(&self, index: usize) -> Option<Key> {
        if index + 1 < self.page.count() {
            Some(self.page.key(index + 1))
        } else {
            self.high.clone()
        }
    }
}

/// A leaf of the old tree that is being taken apart, and the changes to its part of the key space.
#[derive(Debug)]
struct OpenLeaf {
    /// `None` for the leaf that the empty tree does not have.
    page: Option<Rc<Page>>,
    next: usize,
    /// Changes below this key have been taken.
    position: Key,
    high: Option<Key>,
    changes: VecDeque<(Key, KeyChange)>,
    has_more_changes: bool,
    row: Option<Entry>,
    clear: Option<KeyRange>,
}

/// What is below the next leaf.
#[derive(Clone, Debug)]
enum LowerBound {
    /// Nothing.
    Start,
    /// A new leaf with this last key.
    Key(Key),
    /// A node kept as it is, whose range ends here.
    End(Key),
}

/// An update under way.
#[derive(Debug)]
pub struct TreeUpdate {
    options: PageOptions,
    root: Option<Child>,
    is_begun: bool,
    first_page: PageId,
    next_page: PageId,
    path: Vec<OpenBranch>,
    leaf: Option<OpenLeaf>,
    levels: Vec<Level>,
    lower_bound: LowerBound,
    /// The level whose last page is next, once all changes are in.
    finishing: usize,
    output: UpdateOutput,
    changed_keys: u64,
}

impl TreeUpdate {
    /// Begins to make the tree after `tree`; its new pages get ids from `first_page` on.
    pub fn new(tree: Tree, first_page: PageId, options: PageOptions) -> TreeUpdate {
        TreeUpdate {
            options,
            root: tree.root(),
            is_begun: false,
            first_page,
            next_page: first_page,
            path: Vec::new(),
            leaf: None,
            levels: vec![Level::new(0)],
            lower_bound: LowerBound::Start,
            finishing: 0,
            output: UpdateOutput::default(),
            changed_keys: 0,
        }
    }

    /// Does a bounded amount of work.
    ///
    /// # Errors
    /// [`Stop::Missing`], after which the call can be made again; `file_corrupt`.
    pub fn step(&mut self, pages: &dyn PageSource, changes: &dyn Changes) -> Found<Progress> {
        if !self.is_begun {
            let root = self.root;
            self.enter(pages, root, [].as_slice().into(), None)?;
            self.is_begun = true;
        } else if self.leaf.is_some() {
            self.step_leaf(pages, changes)?;
        } else if !self.path.is_empty() {
            self.step_branch(pages, changes)?;
        } else {
            return self.finish(pages);
        }
        Ok(Progress::Working)
    }

    /// Takes what was made since the last call.
    pub fn take_output(&mut self) -> UpdateOutput {
        std::mem::take(&mut self.output)
    }

    /// Bytes of the new pages that were not taken yet.
    pub fn written_bytes(&self) -> usize {
        self.output.written.iter().map(|(_, bytes)| bytes.len()).sum()
    }

    /// How many changed keys were dealt with.
    pub fn changed_keys(&self) -> u64 {
        self.changed_keys
    }

    /// The id after those used so far.
    pub fn next_page(&self) -> PageId {
        self.next_page
    }

    /// Takes a node of the old tree apart.
    fn enter(
        &mut self,
        pages: &dyn PageSource,
        node: Option<Child>,
        low: Key,
        high: Option<Key>,
    ) -> Found<()> {
        let page = match &node {
            Some(node) => Some(node_page(pages, node)?),
            None => None,
        };
        if let Some(node) = node {
            self.output.replaced.push(node.page);
        }
        match (page, node) {
            (Some(page), Some(Child { level: 1.., .. })) => self.path.push(OpenBranch {
                page,
                low,
                high,
                next: 0,
            }),
            (page, _) => {
                self.leaf = Some(OpenLeaf {
                    page,
                    next: 0,
                    position: low,
                    high,
                    changes: VecDeque::new(),
                    has_more_changes: true,
                    row: None,
                    clear: None,
                });
            }
        }
        Ok(())
    }

    fn step_branch(&mut self, pages: &dyn PageSource, changes: &dyn Changes) -> Found<()> {
        let Some(branch) = self.path.last() else {
            return Ok(());
        };
        let index = branch.next;
        if index >= branch.page.count() {
            self.path.pop();
            return Ok(());
        }
        let (node, low, high) = (branch.page.child(index), branch.low(index), branch.high(index));
        match fate(changes, &low, high.as_deref()) {
            // A leaf with long values has to be read: it alone knows where their chunks are.
            Fate::Dropped if node.level > 0 => self.output.dropped.push(node),
            Fate::Dropped if node.totals.chunks == 0 => self.output.replaced.push(node.page),
            Fate::Kept if self.settle_below(node.level) => {
                self.push(usize::from(node.level) + 1, Entry::child(low, &node));
                if let Some(high) = high {
                    self.lower_bound = LowerBound::End(high);
                }
            }
            _ => match self.enter(pages, Some(node), low, high) {
                Err(Stop::Missing(_)) => return Err(self.missing(pages, changes, node.page)),
                entered => {
                    entered?;
                    // The path may have grown: the branch is not its last one any more.
                    let depth = self.path.len() - usize::from(node.level > 0);
                    if let Some(branch) = depth.checked_sub(1).and_then(|at| self.path.get_mut(at)) {
                        branch.next += 1;
                    }
                    return Ok(());
                }
            },
        }
        if let Some(branch) = self.path.last_mut() {
            branch.next += 1;
        }
        Ok(())
    }

    /// The page that is missing, with those of the following siblings that have changes.
    fn missing(&self, pages: &dyn PageSource, changes: &dyn Changes, id: PageId) -> Stop {
        let mut missing = vec![id];
        if let Some(branch) = self.path.last() {
            for index in branch.next + 1..branch.page.count() {
                if missing.len() >= PREFETCH_PAGES_MAX {
                    break;
                }
                let (node, high) = (branch.page.child(index), branch.high(index));
                let is_changed = fate(changes, &branch.low(index), high.as_deref()) == Fate::Changed;
                if is_changed && pages.page(node.page).is_none() {
                    missing.push(node.page);
                }
            }
        }
        Stop::Missing(missing)
    }

    fn step_leaf(&mut self, pages: &dyn PageSource, changes: &dyn Changes) -> Found<()> {
        // Taken out, and put back unless it is done, so that both can be changed at once.
        let Some(mut leaf) = self.leaf.take() else {
            return Ok(());
        };
        for _ in 0..STEP_ROWS {
            leaf.fill(changes);
            match self.merge_row(&mut leaf, pages) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(stop) => {
                    self.leaf = Some(leaf);
                    return Err(stop);
                }
            }
        }
        self.leaf = Some(leaf);
        Ok(())
    }

    /// Takes one key from the leaf or from the changes, whichever is lower; false at their end.
    fn merge_row(&mut self, leaf: &mut OpenLeaf, pages: &dyn PageSource) -> Found<bool> {
        let is_changed = match (&leaf.row, leaf.changes.front()) {
            (None, None) => return Ok(false),
            (Some(row), Some((key, _))) if row.key < *key => false,
            (Some(_), None) => false,
            (_, Some(_)) => true,
        };
        if !is_changed {
            if let Some(row) = leaf.row.take() {
                if leaf.is_cleared(&row.key) {
                    self.forget_chunks(&row);
                } else {
                    self.push(0, row);
                }
            }
            return Ok(true);
        }
        let Some((key, change)) = leaf.changes.front() else {
            return Ok(true);
        };
        let stored = leaf.row.as_ref().filter(|row| row.key == *key);
        let has_row = stored.is_some();
        let value = match change {
            KeyChange::Set(value) => Some(value.clone()),
            KeyChange::Clear => None,
            KeyChange::Operations(operations) => {
                let id = leaf.page.as_ref().map_or(self.first_page, |page| page.id());
                let existing = match stored.filter(|row| !leaf.is_cleared(&row.key)) {
                    Some(row) => Some(read_value(pages, id, row.value())?),
                    None => None,
                };
                operations.iter().fold(existing, |value, (op, operand)| {
                    evaluate(*op, value.as_ref(), operand)
                })
            }
        };
        if has_row && let Some(row) = leaf.row.take() {
            self.forget_chunks(&row);
        }
        self.changed_keys += 1;
        if let Some((key, _)) = leaf.changes.pop_front()
            && let Some(value) = value
        {
            let row = self.row(key, &value);
            self.push(0, row);
        }
        Ok(true)
    }

    /// A leaf's entry for a value, whose chunks are written if it is long.
    fn row(&mut self, key: Key, value: &Value) -> Entry {
        if value.len() <= self.options.inline_value_bytes_max {
            return Entry::inline(key, value);
        }
        let first = self.next_page;
        let mut count = 0;
        for piece in value.chunks(self.options.chunk_bytes) {
            let id = self.new_page();
            self.output.written.push((id, encode_chunk(id, piece)));
            count += 1;
        }
        Entry::chunked(key, &ChunkedValue::new(value.len(), first, count))
    }

    fn forget_chunks(&mut self, row: &Entry) {
        if let StoredValue::Chunked(chunked) = row.value() {
            self.output.replaced.extend(chunked.pages());
        }
    }

    /// Gives away an id that no page of the tree will have.
    pub fn new_page(&mut self) -> PageId {
        let id = self.next_page;
        self.next_page = PageId::new(id.get() + 1);
        id
    }

    fn level(&mut self, level: usize) -> &mut Level {
        while self.levels.len() <= level {
            self.levels.push(Level::new(self.levels.len() as u8));
        }
        self.levels.get_mut(level).expect("just made")
    }

    /// Adds an entry above all others of its level.
    fn push(&mut self, level: usize, entry: Entry) {
        let options = self.options;
        self.level(level).push(entry);
        if self.level(level).has_two_pages(&options) {
            self.write_page(level);
        }
    }

    /// Writes the first page of a level's entries.
    fn write_page(&mut self, level: usize) {
        let options = self.options;
        let entries = self.level(level).take_page(&options);
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            return;
        };
        let low = match (level, &self.lower_bound) {
            (1.., _) => first.key.clone(),
            (0, LowerBound::Start) => [].as_slice().into(),
            (0, LowerBound::End(end)) => end.clone(),
            (0, LowerBound::Key(last)) => shortest_separator(last, &first.key),
        };
        if level == 0 {
            self.lower_bound = LowerBound::Key(last.key.clone());
        }
        let page = self.new_page();
        let child = Child {
            page,
            level: level as u8,
            totals: totals(&entries),
        };
        let bytes = encode_entries(page, child.level, &entries);
        self.output.written.push((page, bytes));
        self.push(level + 1, Entry::child(low, &child));
    }

    /// Writes what waits at and below a level, so that a node of that level can follow; false if a page
    /// would be underfull.
    fn settle_below(&mut self, level: u8) -> bool {
        let options = self.options;
        for level in 0..=usize::from(level) {
            if !self.level(level).is_empty() && self.level(level).is_underfull(&options) {
                return false;
            }
            while !self.level(level).is_empty() {
                self.write_page(level);
            }
        }
        true
    }

    /// Writes the last pages, from the leaves up.
    fn finish(&mut self, pages: &dyn PageSource) -> Found<Progress> {
        let level = self.finishing;
        let is_top = self.levels.iter().skip(level + 1).all(Level::is_empty);
        if is_top && self.level(level).entries().len() <= 1 && (level > 0 || self.level(0).is_empty()) {
            let root = self
                .level(level)
                .entries()
                .first()
                .map(|entry| entry.as_child(level as u8 - 1));
            return Ok(Progress::Done(Tree::new(root)));
        }
        if !is_top {
            self.merge_with_previous(pages, level)?;
        }
        while !self.level(level).is_empty() {
            self.write_page(level);
        }
        self.finishing += 1;
        Ok(Progress::Working)
    }

    /// Lets the last page of a level take in the one before it if it would be underfull.
    fn merge_with_previous(&mut self, pages: &dyn PageSource, level: usize) -> Found<()> {
        let options = self.options;
        if self.level(level).is_empty() || !self.level(level).is_underfull(&options) {
            return Ok(());
        }
        let Some(previous) = self.level(level + 1).entries().last() else {
            return Ok(());
        };
        let (node, low) = (previous.as_child(level as u8), previous.key.clone());
        if node.page >= self.first_page {
            // Written by this update: it was full when it was.
            return Ok(());
        }
        let page = node_page(pages, &node)?;
        self.level(level + 1).pop();
        self.output.replaced.push(node.page);
        let entries = Entry::of_page(&page, &low).collect();
        self.level(level).prepend(entries);
        if level == 0 {
            self.lower_bound = LowerBound::End(low);
        }
        Ok(())
    }
}

impl OpenLeaf {
    /// Sees to it that the next row and the next change are at hand.
    fn fill(&mut self, changes: &dyn Changes) {
        if self.changes.is_empty() && self.has_more_changes {
            self.changes = changes
                .keys(&self.position, self.high.as_deref(), STEP_ROWS)
                .into();
            self.has_more_changes = self.changes.len() == STEP_ROWS;
            if let Some((last, _)) = self.changes.back() {
                self.position = key_after(last);
            }
        }
        if let (None, Some(page)) = (&self.row, &self.page)
            && self.next < page.count()
        {
            let row = Entry::of_leaf(page, self.next);
            self.next += 1;
            if self.clear.as_ref().is_none_or(|clear| clear.end <= row.key) {
                self.clear = changes.clear_reaching(&row.key);
            }
            self.row = Some(row);
        }
    }

    /// Whether the cleared range in reach of the present row holds the key.
    fn is_cleared(&self, key: &[u8]) -> bool {
        self.clear.as_ref().is_some_and(|clear| clear.contains(key))
    }
}

/// What becomes of a node of the old tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Kept,
    Dropped,
    Changed,
}

fn fate(changes: &dyn Changes, low: &Key, high: Option<&[u8]>) -> Fate {
    if changes.is_rewritten(low, high) || !changes.keys(low, high, 1).is_empty() {
        return Fate::Changed;
    }
    let mut cleared_to = low.clone();
    while let Some(clear) = changes.clear_reaching(&cleared_to) {
        if clear.begin > cleared_to {
            let is_inside = high.is_none_or(|high| &*clear.begin < high);
            return if is_inside || cleared_to > *low {
                Fate::Changed
            } else {
                Fate::Kept
            };
        }
        if high.is_some_and(|high| high <= &*clear.end) {
            return Fate::Dropped;
        }
        cleared_to = clear.end;
    }
    if cleared_to > *low {
        Fate::Changed
    } else {
        Fate::Kept
    }
}
