//! Folding: the oldest part of the log becomes pages.
//!
//! A fold takes the recent map's changes up to a version, makes the next tree of them, and switches the
//! root. New pages are written ahead in slices, under a root that reserves their ids, so that whoever
//! finds it abandoned knows what to delete; every slice says which root it counts on, so nobody writes
//! under a root that has been replaced. A small fold is one storage operation. What the new tree does
//! without is deleted with the switch if it is little; otherwise the new root condemns it (`reclaim.rs`).
//!
//! One peer folds at a time, because one root can be replaced once: who comes second sees the reservation
//! and waits, or takes over if it stands still for too long (I6). Work is done in pieces of a few
//! milliseconds, between which everything else has its turn.

use std::cell::Cell;
use std::mem;

use super::fold_pressure::FoldProgress;
use super::gate::Gate;
use super::pager::{HeldPages, ReadPages};
use super::peer::Engine;
use super::unfolded_log::LogPrefix;
use crate::pure::{
    CONDEMNED_MAX, Changes, Child, Condemned, Progress, RewrittenLeaves, Root, Stop, Tree, TreeUpdate,
    encode_page_list,
};
use crate::storage::{FoldRequest, Storage};
#[cfg(feature = "canaries")]
use crate::words::Canary;
use crate::words::{
    PageId, Perturbation, Probe, Result, SequenceNumber, TRANSACTION_AGE_VERSIONS_MAX, Version,
};

/// How long a piece of work may take.
const PIECE_US: u64 = 3_000;
/// Steps of a piece, for clocks that stand still meanwhile.
const PIECE_STEPS_MAX: u32 = 200;
/// A reservation of somebody else that stands for so long is one of a peer that is gone.
const RESERVATION_US_MAX: u64 = 30_000_000;
/// The same for a peer that is short of memory.
const URGENT_RESERVATION_US_MAX: u64 = 5_000_000;
/// Page ids that a reservation takes; what is left over is given back with the switch.
const RESERVED_PAGES: u64 = 1 << 24;
/// Ids of one list of pages to be deleted: it fits into a page, whatever the ids are.
const LIST_IDS_MAX: usize = 7_000;
/// How long nothing must have been committed for an engine to be idle, at least.
const IDLE_US: u64 = 5_000_000;
/// How soon an idle event loop gives a task its turn.
const IDLE_TURN_US_MAX: u64 = 5_000;
/// What is folded when idle: this share of what is folded otherwise.
const IDLE_SHARE: u64 = 8;
/// The first delay after a fold that failed; doubled with each further one.
const RETRY_US: u64 = 1_000_000;
const RETRY_US_MAX: u64 = 60_000_000;

/// How much of the log to fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoldExtent {
    /// What no transaction within the age limit reads below.
    Old,
    /// Everything but the newest record: running transactions may fail with `transaction_too_old`.
    All,
}

/// How an attempt to fold ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoldResult {
    /// The log is shorter now.
    Folded,
    /// There was nothing to fold.
    Nothing,
    /// Another peer is folding.
    Busy,
}

/// What an engine remembers between folds.
#[derive(Debug, Default)]
pub(super) struct FoldState {
    gate: Gate<FoldResult>,
    /// Whether a task is going to fold, or to look again later.
    is_scheduled: Cell<bool>,
    is_look_scheduled: Cell<bool>,
    own_reservation: Cell<Option<PageId>>,
    /// The reservation of another peer, and when it was first seen.
    other_reservation: Cell<Option<(PageId, u64)>>,
    failure_count: Cell<u32>,
    retry_at_us: Cell<u64>,
    fold_count: Cell<u64>,
    pages_written: Cell<u64>,
    /// How far the fold under way is.
    pub(super) progress: Cell<FoldProgress>,
    /// When a record was applied last.
    active_us: Cell<u64>,
    is_waiting_for_idleness: Cell<bool>,
}

impl FoldState {
    /// Remembers that there was something to do.
    pub(super) fn note_activity(&self, now_us: u64) {
        self.active_us.set(now_us);
    }

    pub(super) fn is_running(&self) -> bool {
        self.gate.is_busy()
    }

    pub(super) fn fold_count(&self) -> u64 {
        self.fold_count.get()
    }

    pub(super) fn pages_written(&self) -> u64 {
        self.pages_written.get()
    }
}

/// A fold under way.
struct Fold {
    base: Root,
    prefix: LogPrefix,
    update: TreeUpdate,
    /// Leaves to be written anew, instead of changes; `None` for a fold of the log.
    rewritten: Option<RewrittenLeaves>,
    held: HeldPages,
    /// New pages not yet written.
    pages: Vec<(PageId, Vec<u8>)>,
    /// Pages of the old tree not yet in a list.
    replaced: Vec<PageId>,
    condemned: Vec<Condemned>,
    is_reserved: bool,
}

impl<S: Storage> Engine<S> {
    /// Folds what may be folded, unless another peer does.
    ///
    /// # Errors
    /// The storage's; `file_corrupt` naming a page of the tree.
    pub async fn fold(&self, extent: FoldExtent) -> Result<FoldResult> {
        self.check_writable()?;
        let (_, result) = self.folds.gate.run(self.fold_alone(extent)).await;
        self.after_fold(&result);
        result
    }

    /// Whether to fold now is decided after every record: by the log that can be folded and by memory.
    pub(super) fn consider_folding(&self, now_us: u64) {
        let is_unusable = self.check_usable().is_err() || self.options.salvage;
        if self.folds.is_scheduled.get() || is_unusable {
            return;
        }
        let retry_at_us = self.folds.retry_at_us.get();
        if now_us < retry_at_us {
            self.look_again_later(retry_at_us - now_us);
        } else if let Some(extent) = self.wanted_extent() {
            self.fold_later(extent);
        } else if self.is_log_long(self.state.borrow().unfolded()) {
            // Long, but young.
            self.look_again_later(TRANSACTION_AGE_VERSIONS_MAX);
        } else if self.is_worth_folding_when_idle(self.state.borrow().unfolded()) {
            self.fold_when_idle();
        }
    }

    fn wanted_extent(&self) -> Option<FoldExtent> {
        let state = self.state.borrow();
        if state.map().bytes() > self.options.fold.recent_bytes_max
            && state.foldable(state.newest()).is_some()
            && !self.is_sweeping.get()
        {
            return Some(FoldExtent::All);
        }
        let is_hurried = self.env.is_perturbed(Perturbation::FoldNow);
        if !is_hurried && !self.is_log_long(state.unfolded()) {
            return None;
        }
        let foldable = state.foldable(self.fold_limit(FoldExtent::Old));
        let is_wanted = self.is_log_long(foldable) || is_hurried && foldable.is_some();
        is_wanted.then_some(FoldExtent::Old)
    }

    fn is_log_long(&self, prefix: Option<LogPrefix>) -> bool {
        let options = &self.options.fold;
        prefix
            .is_some_and(|prefix| prefix.bytes >= options.log_bytes || prefix.entries >= options.log_entries)
    }

    fn is_worth_folding_when_idle(&self, prefix: Option<LogPrefix>) -> bool {
        let options = &self.options.fold;
        prefix.is_some_and(|prefix| {
            prefix.bytes >= options.log_bytes / IDLE_SHARE
                || prefix.entries >= options.log_entries / IDLE_SHARE
        })
    }

    /// Folds, so that the next open has less to read, when nothing has been committed for a while and the event
    /// loop has nothing to do; not in a hidden page, which may be frozen in the middle of it.
    fn fold_when_idle(&self) {
        // A database in memory is not opened again.
        if self.storage.known_tail().is_some() || self.folds.is_waiting_for_idleness.replace(true) {
            return;
        }
        self.spawn(async move |engine| {
            // Every peer sees the same log: who is first spares the others the work.
            let patience_us = IDLE_US + engine.env.random_u64() % IDLE_US;
            loop {
                engine.env.sleep(patience_us).await;
                let limit = engine.fold_limit(FoldExtent::Old);
                let foldable = engine.state.borrow().foldable(limit);
                let is_over = engine.check_usable().is_err() || engine.folds.is_scheduled.get();
                if is_over || !engine.is_worth_folding_when_idle(foldable) {
                    break;
                }
                let asked_us = engine.env.monotonic_us();
                engine.env.yield_now().await;
                let now_us = engine.env.monotonic_us();
                let is_free = now_us - asked_us < IDLE_TURN_US_MAX;
                let is_quiet = now_us - engine.folds.active_us.get() >= patience_us;
                if is_free && is_quiet && engine.is_visible() {
                    let _retried_when_it_is_longer = engine.fold(FoldExtent::Old).await;
                    let _retried_with_the_next_fold = engine.reclaim().await;
                    break;
                }
            }
            engine.folds.is_waiting_for_idleness.set(false);
        });
    }

    /// The version up to which records may be folded.
    fn fold_limit(&self, extent: FoldExtent) -> Version {
        match extent {
            FoldExtent::All => self.state.borrow().newest(),
            FoldExtent::Old => self.clock_version().minus(TRANSACTION_AGE_VERSIONS_MAX),
        }
    }

    fn fold_later(&self, extent: FoldExtent) {
        self.folds.is_scheduled.set(true);
        // Every peer sees the same log: who is first spares the others the work.
        let delay_us = match extent {
            FoldExtent::All => 0,
            FoldExtent::Old => self.env.random_u64() % 200_000,
        };
        self.spawn(async move |engine| {
            engine.env.sleep(delay_us).await;
            engine.folds.is_scheduled.set(false);
            if let Some(extent) = engine.wanted_extent() {
                engine.folds.is_scheduled.set(true);
                let folded = engine.fold(extent).await;
                let _retried_with_the_next_fold = engine.reclaim().await;
                engine.folds.is_scheduled.set(false);
                match folded {
                    Ok(FoldResult::Busy) => engine.look_again_later(RETRY_US),
                    _ => engine.consider_folding(engine.env.monotonic_us()),
                }
            }
        });
    }

    fn look_again_later(&self, delay_us: u64) {
        if self.folds.is_look_scheduled.replace(true) {
            return;
        }
        self.spawn(async move |engine| {
            engine.env.sleep(delay_us).await;
            engine.folds.is_look_scheduled.set(false);
            engine.consider_folding(engine.env.monotonic_us());
        });
    }

    fn after_fold(&self, result: &Result<FoldResult>) {
        let folds = &self.folds;
        let delay_us = match result {
            Ok(_) => {
                folds.failure_count.set(0);
                0
            }
            Err(_) => {
                let count = folds.failure_count.get();
                folds.failure_count.set(count.saturating_add(1));
                (RETRY_US << count.min(10)).min(RETRY_US_MAX)
            }
        };
        folds.retry_at_us.set(self.env.monotonic_us() + delay_us);
    }

    async fn fold_alone(&self, extent: FoldExtent) -> Result<FoldResult> {
        self.refresh_root().await?;
        if !self.is_root_free(extent).await? {
            return Ok(FoldResult::Busy);
        }
        let limit = self.fold_limit(extent);
        let prefix = self.state.borrow().foldable(limit);
        if extent == FoldExtent::All && prefix.is_some() {
            self.env.note(Probe::FoldForced);
        }
        let base = self.root.borrow().root.clone();
        match prefix {
            Some(prefix) => self.fold_prefix(base, prefix).await,
            None => Ok(FoldResult::Nothing),
        }
    }

    /// Writes leaves anew, of the tree under the root of this generation.
    pub(super) async fn rewrite(&self, leaves: RewrittenLeaves, generation: u64) -> Result<FoldResult> {
        self.check_writable()?;
        let work = async {
            let base = self.root.borrow().root.clone();
            if base.generation != generation || base.reserved_from.is_some() {
                return Ok(FoldResult::Busy);
            }
            self.folds.progress.set(FoldProgress::of_no_concern());
            let prefix = LogPrefix {
                version: base.folded_version,
                last: base.folded_sequence,
                bytes: 0,
                entries: 0,
            };
            self.run_fold(self.new_fold(base, prefix, Some(leaves))).await
        };
        match self.folds.gate.run(work).await {
            (true, result) => result,
            (false, _) => Ok(FoldResult::Busy),
        }
    }

    fn new_fold(&self, base: Root, prefix: LogPrefix, rewritten: Option<RewrittenLeaves>) -> Fold {
        // The root of this fold will say nothing of another one's reservation, nor of the pages in it (I10).
        assert_eq!(base.reserved_from, None, "somebody else is folding");
        let update = TreeUpdate::new(Tree::new(base.tree), base.next_page, self.options.fold.pages);
        Fold {
            condemned: base.condemned.clone(),
            base,
            prefix,
            update,
            rewritten,
            held: HeldPages::default(),
            pages: Vec::new(),
            replaced: Vec::new(),
            is_reserved: false,
        }
    }

    async fn fold_prefix(&self, base: Root, prefix: LogPrefix) -> Result<FoldResult> {
        self.state.borrow_mut().map_mut().hold(Some(prefix.version));
        self.begin_progress();
        let fold = self.new_fold(base, prefix, None);
        let result = self.run_fold(fold).await;
        self.state.borrow_mut().map_mut().hold(None);
        if let Ok(FoldResult::Busy) = result {
            self.env.note(Probe::FoldGaveWay);
        }
        if let Ok(FoldResult::Folded) = result {
            self.folds.fold_count.set(self.folds.fold_count.get() + 1);
            self.env.note(Probe::Folded);
            self.delete_folded_log().await?;
        }
        result
    }

    /// Whether this peer may fold: nobody else is at it, or nobody any more.
    async fn is_root_free(&self, extent: FoldExtent) -> Result<bool> {
        let root = self.root.borrow().root.clone();
        let Some(reserved_from) = root.reserved_from else {
            return Ok(true);
        };
        let now_us = self.env.monotonic_us();
        let since_us = match self.folds.other_reservation.get() {
            Some((seen, since_us)) if seen == reserved_from => since_us,
            _ => {
                self.folds.other_reservation.set(Some((reserved_from, now_us)));
                now_us
            }
        };
        let is_own = self.folds.own_reservation.get() == Some(reserved_from);
        let patience_us = match extent {
            FoldExtent::Old => RESERVATION_US_MAX,
            FoldExtent::All => URGENT_RESERVATION_US_MAX,
        };
        if !is_own && now_us - since_us < patience_us {
            return Ok(false);
        }
        self.env.note(Probe::ReservationTakenOver);
        let mut condemned = root.condemned.clone();
        condemned.push(Condemned::Range(reserved_from, root.next_page));
        let next = Root {
            reserved_from: None,
            condemned,
            ..root.next()
        };
        let is_given_up = self.switch_root(next, FoldRequest::default()).await?;
        // The answer may have taken so long that the root is again one that reserves pages for another peer.
        Ok(is_given_up && self.root.borrow().root.reserved_from.is_none())
    }

    /// Gives an abandoned fold up if it stands for long, and deletes what is condemned.
    pub(super) fn recover_later(&self) {
        let is_clean = {
            let root = &self.root.borrow().root;
            root.reserved_from.is_none() && root.condemned.is_empty()
        };
        let has_folded = self.root.borrow().root.folded_sequence > SequenceNumber::ZERO;
        if is_clean && !has_folded {
            return;
        }
        self.spawn(async move |engine| {
            if has_folded {
                let _retried_by_the_next_fold = engine.delete_folded_log().await;
            }
            if is_clean {
                return;
            }
            if let Ok(false) = engine.is_root_free(FoldExtent::Old).await {
                engine.env.sleep(RESERVATION_US_MAX).await;
                let refreshed = engine.refresh_root().await;
                if refreshed.is_err() || !matches!(engine.is_root_free(FoldExtent::Old).await, Ok(true)) {
                    return;
                }
            }
            let _retried_by_the_next_fold = engine.reclaim().await;
        });
    }

    async fn run_fold(&self, mut fold: Fold) -> Result<FoldResult> {
        let options = self.options.fold;
        loop {
            self.check_usable_for_commit()?;
            if !self.is_under_its_root(&fold) {
                return Ok(FoldResult::Busy);
            }
            let progress = self.run_piece(&mut fold);
            self.note_progress(fold.update.changed_keys());
            fold.take_output();
            if fold.replaced.len() > LIST_IDS_MAX {
                fold.list_replaced();
            }
            self.list_surplus_subtrees(&mut fold).await?;
            match progress {
                Ok(Progress::Done(tree)) => {
                    while fold.pages.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > options.write_bytes
                    {
                        if !self.write_slice(&mut fold).await? {
                            return Ok(FoldResult::Busy);
                        }
                    }
                    return self.finish_fold(fold, tree).await;
                }
                Ok(Progress::Working) => {}
                Err(Stop::Failed(error)) => return Err(error),
                Err(Stop::Missing(ids)) => self.bring(&ids, &mut fold.held).await?,
            }
            while fold.pages.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > options.write_bytes {
                if !self.write_slice(&mut fold).await? {
                    return Ok(FoldResult::Busy);
                }
            }
            self.env.yield_now().await;
        }
    }

    /// Some steps of the update.
    fn run_piece(&self, fold: &mut Fold) -> crate::pure::Found<Progress> {
        let begin_us = self.env.monotonic_us();
        let state = self.state.borrow();
        let version = fold.prefix.version;
        #[cfg(feature = "canaries")]
        let version = match self.env.canary() {
            Some(Canary::FoldTooFar) => state.version_after(version),
            _ => version,
        };
        let recent;
        let changes: &dyn Changes = match &fold.rewritten {
            Some(rewritten) => rewritten,
            None => {
                recent = state.map().changes_at(version);
                &recent
            }
        };
        for _ in 0..PIECE_STEPS_MAX {
            let pages = ReadPages {
                pager: &self.pager,
                held: &fold.held,
            };
            let progress = fold.update.step(&pages, changes)?;
            let is_long = self.env.monotonic_us() - begin_us >= PIECE_US;
            let is_large = fold.update.written_bytes() >= self.options.fold.write_bytes;
            if progress != Progress::Working || is_long || is_large {
                return Ok(progress);
            }
        }
        Ok(Progress::Working)
    }

    /// Whether the root is the one that the fold counts on. Whatever else this engine does may have taken a later one
    /// during any wait.
    fn is_under_its_root(&self, fold: &Fold) -> bool {
        self.root_generation() == fold.generation()
    }

    /// Writes the first new pages ahead; false if the root has moved on.
    async fn write_slice(&self, fold: &mut Fold) -> Result<bool> {
        if !self.is_under_its_root(fold) {
            return Ok(false);
        }
        let mut bytes = 0;
        let count = fold
            .pages
            .iter()
            .take_while(|(_, page)| {
                bytes += page.len();
                bytes <= self.options.fold.write_bytes
            })
            .count()
            .max(1);
        let rest = fold.pages.split_off(count.min(fold.pages.len()));
        let request = FoldRequest {
            write_pages: mem::replace(&mut fold.pages, rest),
            ..FoldRequest::default()
        };
        let written = request.write_pages.len() as u64;
        let first = fold.base.next_page;
        let is_written = if fold.is_reserved {
            self.fold_under_root(request).await?
        } else {
            let reserved = Root {
                reserved_from: Some(first),
                next_page: PageId::new(first.get() + RESERVED_PAGES),
                ..fold.base.next()
            };
            self.env.note(Probe::FoldInSlices);
            self.folds.own_reservation.set(Some(first));
            fold.is_reserved = true;
            self.switch_root(reserved, request).await?
        };
        self.folds
            .pages_written
            .set(self.folds.pages_written.get() + written);
        Ok(is_written)
    }

    async fn finish_fold(&self, mut fold: Fold, tree: Tree) -> Result<FoldResult> {
        let options = self.options.fold;
        let is_little = fold.replaced.len() <= options.delete_pages;
        if !is_little {
            fold.list_replaced();
        }
        let log_entries_max = 4 * options.delete_pages as u64;
        let delete_log_through = fold
            .prefix
            .last
            .min(fold.base.folded_sequence.plus(log_entries_max));
        let root = Root {
            generation: fold.generation() + 1,
            folded_version: fold.prefix.version,
            folded_sequence: fold.prefix.last,
            tree: tree.root(),
            next_page: fold.update.next_page(),
            reserved_from: None,
            condemned: fold.condemned,
            ..fold.base
        };
        let request = FoldRequest {
            write_pages: fold.pages,
            delete_pages: fold.replaced,
            delete_log_through,
            ..FoldRequest::default()
        };
        let written = request.write_pages.len() as u64;
        let deleted = request.delete_pages.clone();
        #[cfg(feature = "canaries")]
        let (request, late) = match self.env.canary() {
            Some(Canary::RootBeforePages) => {
                let late = request.write_pages;
                let write_pages = Vec::new();
                (
                    FoldRequest {
                        write_pages,
                        ..request
                    },
                    late,
                )
            }
            _ => (request, Vec::new()),
        };
        if !self.switch_root(root, request).await? {
            return Ok(FoldResult::Busy);
        }
        #[cfg(feature = "canaries")]
        if !late.is_empty() {
            let write_pages = late;
            let request = FoldRequest {
                write_pages,
                ..FoldRequest::default()
            };
            self.fold_under_root(request).await?;
        }
        self.pager.forget(&deleted);
        self.folds
            .pages_written
            .set(self.folds.pages_written.get() + written);
        Ok(FoldResult::Folded)
    }

    /// Deletes, piece by piece, the log entries that are in pages.
    async fn delete_folded_log(&self) -> Result<()> {
        let step = 4 * self.options.fold.delete_pages as u64;
        loop {
            let first = self.storage.read_log(SequenceNumber::ZERO, 1).await?;
            let first = first.entries.first().map(|entry| entry.sequence);
            let folded = self.root.borrow().root.folded_sequence;
            let Some(first) = first.filter(|&first| first <= folded) else {
                return Ok(());
            };
            let request = FoldRequest {
                delete_log_through: first.plus(step).min(folded),
                ..FoldRequest::default()
            };
            if !self.fold_under_root(request).await? {
                return Ok(());
            }
            self.env.yield_now().await;
        }
    }

    /// Condemned subtrees beyond what a root can name are listed page by page.
    async fn list_surplus_subtrees(&self, fold: &mut Fold) -> Result<()> {
        while fold.condemned.len() > CONDEMNED_MAX / 2 {
            let subtree = fold.condemned.iter().rposition(is_subtree);
            let Some(Condemned::Subtree(node)) = subtree.map(|at| fold.condemned.swap_remove(at)) else {
                return Ok(());
            };
            let pages = self.pages_below(node).await?;
            fold.replaced.extend(pages);
            if fold.replaced.len() > LIST_IDS_MAX {
                fold.list_replaced();
            }
        }
        Ok(())
    }
}

impl Fold {
    /// Of the root that it counts on: its base, or the one that reserves pages for it.
    fn generation(&self) -> u64 {
        self.base.generation + u64::from(self.is_reserved)
    }

    fn take_output(&mut self) {
        let output = self.update.take_output();
        self.pages.extend(output.written);
        self.replaced.extend(output.replaced);
        let subtree = |node: Child| Condemned::Subtree(node);
        self.condemned.extend(output.dropped.into_iter().map(subtree));
    }

    /// Moves the pages that were replaced into lists, which are pages themselves.
    fn list_replaced(&mut self) {
        self.replaced.sort_unstable();
        for ids in mem::take(&mut self.replaced).chunks(LIST_IDS_MAX) {
            let id = self.update.new_page();
            let bytes = encode_page_list(id, ids).expect("a list of so many ids fits, whatever they are");
            self.pages.push((id, bytes));
            self.condemned.push(Condemned::List(id));
        }
    }
}

fn is_subtree(condemned: &Condemned) -> bool {
    matches!(condemned, Condemned::Subtree(_))
}
