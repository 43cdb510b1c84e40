//! Staying with the root: another peer may fold at any time.
//!
//! A peer learns that the root has moved whenever it reads the log, when a page is gone, and before it folds. Its
//! appends do not ask: what they count for does not depend on the root (I14). It then takes the new root. Where it
//! had read the log as far as that root's pages go, it only lets go of what is in them, and every reader goes on at the
//! version it has. Where it had not, the log in between is gone: the peer begins again from the root, like one that opens.

use super::peer::{Engine, LOG_READ_ENTRIES, unfinished};
use super::state::State;
use crate::pure::{PageSource, Root};
use crate::storage::{LogEntry, LogRead, Storage};
use crate::words::{Env, Error, ErrorCode, Key, PageId, Probe, Result, SequenceNumber};

/// Roots that are taken in a row, because each has moved on, before it is given up.
const MOVES_MAX: u32 = 100;
/// Keys that are looked at in one piece of sweeping: a millisecond or two in WebAssembly.
const SWEEP_KEYS: usize = 1_500;

/// Bytes of log that are applied in one piece, at least: a millisecond or two in WebAssembly.
const PIECE_BYTES: u64 = 32 << 10;

/// The root that an engine goes by.
#[derive(Clone, Debug)]
pub(super) struct KnownRoot {
    pub(super) root: Root,
    /// As it is stored: what a commit or fold expects.
    pub(super) bytes: Vec<u8>,
}

impl<S: Storage> Engine<S> {
    /// How often the root, as far as this engine knows, was replaced.
    pub(super) fn root_generation(&self) -> u64 {
        self.root.borrow().root.generation
    }

    /// Takes the root that the storage has now, or a later one.
    ///
    /// # Errors
    /// The storage's; `file_not_found` if the database was deleted; `file_corrupt`.
    pub(super) async fn refresh_root(&self) -> Result<()> {
        let (is_own, result) = self.root_gate.run(self.follow_root()).await;
        if is_own {
            return result;
        }
        // The answer that this one waited for may be that of a moment before it was called.
        self.root_gate.run(self.follow_root()).await.1
    }

    async fn follow_root(&self) -> Result<()> {
        for _ in 0..MOVES_MAX {
            self.check_usable_for_commit()?;
            let bytes = self.storage.current_root().await?.unwrap_or_default();
            let root = self.decode_root(&bytes)?;
            if root.generation <= self.root_generation() {
                return Ok(());
            }
            let tail = self.state.borrow().tail();
            if self.options.salvage {
                // The log in between may be what is damaged.
                if let Some(state) = self.load_again(&root).await? {
                    self.begin_again(KnownRoot { root, bytes }, state);
                    return Ok(());
                }
                continue;
            }
            if tail >= root.folded_sequence {
                self.env.note(Probe::RootFollowed);
                self.take_root(KnownRoot { root, bytes });
                return Ok(());
            }
            if let Some(state) = self.load_again(&root).await? {
                self.begin_again(KnownRoot { root, bytes }, state);
                return Ok(());
            }
        }
        Err(never_still())
    }

    async fn load_again(&self, root: &Root) -> Result<Option<State>> {
        let salvage = self.options.salvage;
        load(&self.storage, &*self.env, root, &self.pager, salvage).await
    }

    /// Decodes a root of this database.
    fn decode_root(&self, bytes: &[u8]) -> Result<Root> {
        if bytes.is_empty() {
            return Err(self.fail_because_root_moved());
        }
        let root = Root::decode(bytes).map_err(|error| self.note_damage(error))?;
        if root.database_id != self.root.borrow().root.database_id {
            return Err(self.fail_because_root_moved());
        }
        Ok(root)
    }

    /// Goes by a root whose pages hold nothing but what this engine has read.
    pub(super) fn take_root(&self, known: KnownRoot) {
        if known.root.generation <= self.root_generation() {
            return;
        }
        let (is_folded, is_other_tree) = {
            let state = self.state.borrow();
            let is_folded = known.root.folded_version > state.map().folded();
            (is_folded, known.root.tree != state.tree().root())
        };
        // A tree that was only packed more densely holds the same version.
        if is_folded || is_other_tree {
            self.state.borrow_mut().fold_through(&known.root);
        }
        self.root.replace(known);
        if is_folded {
            self.sweep_later();
        }
    }

    fn begin_again(&self, known: KnownRoot, state: State) {
        let is_newer = known.root.generation > self.root_generation();
        if !is_newer || (state.tail() <= self.state.borrow().tail() && !self.options.salvage) {
            return;
        }
        self.state.borrow_mut().replace(state);
        self.root.replace(known);
        self.restart_count.set(self.restart_count.get() + 1);
        self.env.note(Probe::BegunAgain);
        self.read_watches_later();
    }

    /// Lets go, piece by piece, of what is in pages now.
    fn sweep_later(&self) {
        if self.is_sweeping.replace(true) {
            return;
        }
        self.spawn(async |engine| {
            let mut from: Option<Key> = Some([].as_slice().into());
            while let Some(key) = from.take() {
                let folded = engine.state.borrow().map().folded();
                from = engine.state.borrow_mut().map_mut().sweep(&key, SWEEP_KEYS);
                engine.env.yield_now().await;
                if engine.state.borrow().map().folded() > folded {
                    from = Some([].as_slice().into());
                }
            }
            engine.is_sweeping.set(false);
            engine.consider_folding(engine.env.monotonic_us());
        });
    }

    /// Why a page was not there: the root has moved on, or it is damage.
    pub(super) async fn explain_gone_page(&self, id: PageId, generation: u64) -> Result<()> {
        let (is_own, result) = self.root_gate.run(self.follow_root()).await;
        result?;
        if is_own && self.root_generation() == generation {
            let detail = format!("page {id}: it is missing");
            return Err(Error::new(ErrorCode::FileCorrupt, detail));
        }
        self.env.note(Probe::PageVanished);
        Ok(())
    }

    /// Reads the log to its end and applies what is new.
    pub(super) async fn catch_up(&self) -> Result<()> {
        if self.options.salvage {
            return self.check_usable_for_commit();
        }
        let mut moves = 0;
        loop {
            self.check_usable_for_commit()?;
            let after = self.state.borrow().tail();
            self.log_read_count.set(self.log_read_count.get() + 1);
            let read = self.storage.read_log(after, LOG_READ_ENTRIES).await?;
            if !self.take_in(&read).await? {
                moves += 1;
                if moves > MOVES_MAX {
                    return Err(never_still());
                }
                continue;
            }
            let last = read.entries.last().map_or(after, |entry| entry.sequence);
            let tail = self.state.borrow().tail();
            if read.entries.len() < LOG_READ_ENTRIES {
                if tail < last {
                    return Err(self.note_damage(unfinished(last)));
                }
                return Ok(());
            }
            if tail == after {
                return Err(self.note_damage(unfinished(last)));
            }
        }
    }

    /// Applies what was read of the log. False if its root had moved past what this engine has read by now: it
    /// has begun again from that root.
    async fn take_in(&self, read: &LogRead) -> Result<bool> {
        // An engine that was closed meanwhile has let go of the state that the entries follow on.
        self.check_usable_for_commit()?;
        if read.root != self.root.borrow().bytes {
            let root = self.decode_root(&read.root)?;
            if root.folded_sequence > self.state.borrow().tail() {
                self.refresh_root().await?;
                return Ok(false);
            }
            let bytes = read.root.clone();
            self.take_root(KnownRoot { root, bytes });
        }
        // Folds delete no more than what the root's pages hold: from there on every entry is there.
        self.apply_unseen(&read.entries)?;
        Ok(true)
    }

    pub(super) fn apply_unseen(&self, entries: &[LogEntry]) -> Result<()> {
        let now_us = self.env.monotonic_us();
        let applied = self
            .state
            .borrow_mut()
            .apply_entries(entries, now_us, &self.pager);
        self.after_apply(now_us);
        applied.map_err(|error| self.note_damage(error))
    }

    /// Follows up on records that were applied. Browsers are slow to tell the time.
    pub(super) fn after_apply(&self, now_us: u64) {
        self.folds.note_activity(now_us);
        self.read_watches_later();
        self.consider_folding(now_us);
    }
}

/// The state at the end of the log, from a root's pages and the log after them; `None` if the log does not
/// go on there because the root has moved.
///
/// With `salvage`, a damaged record is the end of the log.
///
/// # Errors
/// `file_corrupt` naming the damaged record; the storage's.
pub(super) async fn load<S: Storage>(
    storage: &S,
    env: &dyn Env,
    root: &Root,
    pages: &dyn PageSource,
    salvage: bool,
) -> Result<Option<State>> {
    let mut state = State::of_root(root, env.monotonic_us(), env.unix_us());
    let is_whole = match read_log_into(&mut state, storage, env, root, pages, salvage).await {
        Err(error) if salvage && is_damage(&error) => true,
        result => result?,
    };
    state.begin_to_serve();
    Ok(is_whole.then_some(state))
}

/// Applies the log after a root's pages; false if it does not go on there because the root has moved, or is
/// that of another database by now.
async fn read_log_into<S: Storage>(
    state: &mut State,
    storage: &S,
    env: &dyn Env,
    root: &Root,
    pages: &dyn PageSource,
    salvage: bool,
) -> Result<bool> {
    loop {
        let after = state.tail();
        let read = match storage.read_log(after, LOG_READ_ENTRIES).await {
            Err(error) if salvage && is_damage(&error) => {
                let entries = entries_before_damage(storage, after).await?;
                state.apply_entries(&entries, env.monotonic_us(), pages)?;
                return Err(error);
            }
            read => read?,
        };
        // Deleted since the root was read, or created again: this is not the log of that root's database.
        if read.root.is_empty() {
            return Ok(false);
        }
        let newest = Root::decode(&read.root)?;
        if newest.database_id != root.database_id {
            return Ok(false);
        }
        if newest.folded_sequence > after {
            env.note(Probe::OpenedWhileFolded);
            return Ok(false);
        }
        let entries = read.entries;
        // A fold leaves the newest record.
        let is_cut_off = entries.is_empty() && after == root.folded_sequence && after > SequenceNumber::ZERO;
        if is_cut_off {
            let detail = format!("log record {}: it is missing", after.plus(1));
            return Err(Error::new(ErrorCode::FileCorrupt, detail));
        }
        apply_in_pieces(state, env, &entries, pages).await?;
        let last = entries.last().map_or(after, |entry| entry.sequence);
        let is_unfinished = state.tail() < last;
        if entries.len() < LOG_READ_ENTRIES {
            if is_unfinished {
                return Err(unfinished(last));
            }
            return Ok(true);
        }
        if state.tail() == after {
            return Err(unfinished(last));
        }
        env.yield_now().await;
    }
}

/// Applies entries piece by piece, between which everything else has its turn.
async fn apply_in_pieces(
    state: &mut State,
    env: &dyn Env,
    entries: &[LogEntry],
    pages: &dyn PageSource,
) -> Result<()> {
    loop {
        let tail = state.tail();
        state.apply_piece(entries, PIECE_BYTES, env.monotonic_us(), pages)?;
        // What is left is nothing, or the beginning of a record.
        if state.tail() == tail || entries.last().is_none_or(|last| last.sequence <= state.tail()) {
            return Ok(());
        }
        env.yield_now().await;
    }
}

/// The entries before the first one that can't even be read, of a storage that fails as a whole then.
async fn entries_before_damage<S: Storage>(storage: &S, after: SequenceNumber) -> Result<Vec<LogEntry>> {
    let mut entries: Vec<LogEntry> = Vec::new();
    loop {
        let last = entries.last().map_or(after, |entry| entry.sequence);
        match storage.read_log(last, 1).await {
            Ok(next) if next.entries.is_empty() => return Ok(entries),
            Ok(next) => entries.extend(next.entries),
            Err(error) if is_damage(&error) => return Ok(entries),
            Err(error) => return Err(error),
        }
    }
}

/// Whether the error says that what is stored can't be read.
pub(super) fn is_damage(error: &Error) -> bool {
    matches!(
        error.code(),
        ErrorCode::FileCorrupt | ErrorCode::IncompatibleProtocolVersion
    )
}

pub(super) fn never_still() -> Error {
    let detail = format!("the root was moved {MOVES_MAX} times while it was read; try again");
    Error::new(ErrorCode::IoError, detail)
}
