//! Group commit: what was submitted while one batch is being written forms the next one.
//!
//! One batch is in flight at a time, as one atomic storage operation. It is resolved against the log as
//! this peer knows it, made into a record for the number after that, and appended. If the storage gives
//! it another number, another peer was faster: the record is void (I14), and in its turn the peer reads what
//! is unseen and resolves the batch again. A commit is answered when the storage says that it is done, never
//! before (I5). Nothing is held in the storage while a peer makes up its mind.

use std::collections::VecDeque;
use std::pin::pin;
use std::rc::Rc;

use futures_channel::oneshot;

use super::append_turn::AppendTurn;
use super::peer::Engine;
use super::resolver::{CommitIntent, Committed, Now, Rejection, Resolution, resolve};
use super::root_follower::never_still;
use crate::storage::{AppendOutcome, AppendRequest, Storage};
#[cfg(feature = "canaries")]
use crate::words::Canary;
use crate::words::{
    BATCH_BYTES_TARGET, BATCH_TRANSACTIONS_MAX, Durability, Error, ErrorCode, Perturbation, Probe, Result,
    SequenceNumber, wait_at_most,
};

/// So many commits are answered in one task: what their transactions' owners do then is part of it.
const ANSWERS_AT_ONCE: usize = 64;
/// After a batch of so many, or of so many bytes, the event loop has its turn before the next one is decided.
const LARGE_BATCH_TRANSACTIONS: usize = 16;
const LARGE_BATCH_BYTES: u64 = 65_536;

/// The longest random delay before a batch that was too late is tried again where there are no turns; doubled each
/// time, so often at most.
const STEP_ASIDE_US: u64 = 500;
const STEP_ASIDE_DOUBLINGS: u32 = 6;

/// How often a batch is tried again when the storage went away without an answer.
const LOST_ANSWERS_MAX: u32 = 3;
/// How often a batch is tried again because the root was moved by a fold.
const ROOT_MOVES_MAX: u32 = 100;

/// The first delay before the log is read again to find out what became of a batch; doubled each time.
const FIND_OUT_DELAY_US: u64 = 10_000;
/// The longest one, at which those who were promised no exact answer give up.
const FIND_OUT_DELAY_MAX_US: u64 = 1_000_000;

type Verdict = std::result::Result<Committed, Rejection>;

struct Pending {
    intent: CommitIntent,
    answer: oneshot::Sender<Verdict>,
}

/// How an attempt to append a batch ended, if it did not fail.
enum Attempt {
    /// The batch is decided, and what survived of it is in the log.
    Done,
    /// Somebody else was faster.
    LostRace,
    /// A fold was faster.
    RootMoved,
}

/// Commits waiting for their batch.
#[derive(Default)]
pub(super) struct CommitQueue {
    waiting: VecDeque<Pending>,
    is_running: bool,
    /// Whether somebody else was faster when a batch was last written. If so, the next one waits for its turn: an
    /// append would be stored in vain, and who was faster would stay faster. With 16 attempts instead of one
    /// before that, one of four busy tabs got a fifth of what another one did.
    is_overtaken: bool,
    /// This peer's turn, for as long as it lasts and there is something to commit.
    pub(super) turn: Option<AppendTurn>,
    /// Told of the next commit.
    submitted: Option<oneshot::Sender<()>>,
    /// Told when the queue has run dry.
    idle: Vec<oneshot::Sender<()>>,
    /// Told when the batch that is under way has its answer.
    answered: Vec<oneshot::Sender<()>>,
}

impl CommitQueue {
    /// The next batch: as many as fit, in the order of submission, at least one if any waits. And its bytes.
    fn take_batch(&mut self) -> (Vec<Pending>, u64) {
        let mut batch: Vec<Pending> = Vec::new();
        let mut bytes = 0;
        while let Some(next) = self.waiting.front() {
            let bytes_with_next = bytes + next.intent.bytes;
            let fits = bytes_with_next <= BATCH_BYTES_TARGET && batch.len() < BATCH_TRANSACTIONS_MAX;
            if !batch.is_empty() && !fits {
                break;
            }
            bytes = bytes_with_next;
            batch.extend(self.waiting.pop_front());
        }
        (batch, bytes)
    }
}

impl<S: Storage> Engine<S> {
    /// Commits a transaction that writes or has write conflict ranges.
    ///
    /// # Errors
    /// `not_committed`, `transaction_too_old`, `future_version`: nothing happened, a retry may
    /// succeed. `transaction_read_only` if the database was opened for salvage. The storage's error: nothing
    /// happened. `commit_unknown_result`: it could not be
    /// found out whether it happened.
    pub async fn commit(self: &Rc<Self>, intent: CommitIntent) -> Verdict {
        self.check_usable()?;
        self.check_writable()?;
        let (answer, receiver) = oneshot::channel();
        let must_start = {
            let mut queue = self.commits.borrow_mut();
            queue.waiting.push_back(Pending { intent, answer });
            if let Some(lingering) = queue.submitted.take() {
                let _gave_up = lingering.send(());
            }
            !std::mem::replace(&mut queue.is_running, true)
        };
        if must_start {
            let engine = Rc::clone(self);
            self.env
                .spawn(Box::pin(async move { engine.run_commits().await }));
        }
        receiver
            .await
            .unwrap_or_else(|_| Err(Error::from(ErrorCode::CommitUnknownResult).into()))
    }

    /// Waits for more to commit in this turn. Whoever was answered may have it at once, and would have to get in line
    /// again; whoever lost a conflict reads what has won, and would lose again.
    async fn linger(&self, has_losers: bool) {
        if !has_losers {
            return self.env.yield_now().await;
        }
        let (left_us, submitted) = {
            let mut queue = self.commits.borrow_mut();
            let (sender, receiver) = oneshot::channel();
            queue.submitted = Some(sender);
            let left_us = queue.turn.as_ref().map_or(0, |turn| self.time_left_us(turn));
            (left_us, receiver)
        };
        let submitted = pin!(async move {
            let _sender_gone = submitted.await;
        });
        wait_at_most(&*self.env, left_us, submitted).await;
    }

    /// Completes when no commit is waiting or in flight.
    pub(super) async fn commits_idle(&self) {
        let receiver = {
            let mut queue = self.commits.borrow_mut();
            if !queue.is_running {
                return;
            }
            let (sender, receiver) = oneshot::channel();
            queue.idle.push(sender);
            receiver
        };
        let _sender_gone = receiver.await;
    }

    /// Completes when the batch that is under way has its answer, or after so long.
    pub(super) async fn batch_answered(&self, patience_us: u64) {
        let answered = {
            let mut queue = self.commits.borrow_mut();
            if !queue.is_running {
                return;
            }
            let (sender, receiver) = oneshot::channel();
            queue.answered.push(sender);
            receiver
        };
        let answered = pin!(async move {
            let _sender_gone = answered.await;
        });
        wait_at_most(&*self.env, patience_us, answered).await;
    }

    async fn run_commits(self: Rc<Self>) {
        let mut may_linger = true;
        let mut has_losers = false;
        loop {
            let (batch, bytes) = {
                let mut queue = self.commits.borrow_mut();
                for sender in queue.answered.drain(..) {
                    let _gave_up = sender.send(());
                }
                let (batch, bytes) = queue.take_batch();
                if batch.is_empty() && !(may_linger && queue.turn.is_some()) {
                    queue.is_running = false;
                    queue.turn = None;
                    for sender in queue.idle.drain(..) {
                        let _receiver_gone = sender.send(());
                    }
                    return;
                }
                (batch, bytes)
            };
            may_linger = !batch.is_empty();
            if batch.is_empty() {
                self.linger(has_losers).await;
                continue;
            }
            let is_large = batch.len() >= LARGE_BATCH_TRANSACTIONS || bytes >= LARGE_BATCH_BYTES;
            let (intents, answers): (Vec<_>, Vec<_>) = batch
                .into_iter()
                .map(|pending| (pending.intent, pending.answer))
                .unzip();
            #[cfg(feature = "canaries")]
            if self.env.canary() == Some(Canary::AnswerBeforeDurable) {
                let results = results(&self.resolve_batch(&intents));
                for (answer, result) in answers.into_iter().zip(results) {
                    let _receiver_gone = answer.send(result);
                }
                let _nobody_asks = self.commit_batch(&intents).await;
                continue;
            }
            let results = match self.commit_batch(&intents).await {
                Ok(results) => results,
                Err(error) => vec![Err(error.into()); answers.len()],
            };
            self.count_results(&results);
            has_losers = results.iter().any(std::result::Result::is_err);
            for (place, (answer, result)) in answers.into_iter().zip(results).enumerate() {
                if place > 0 && place % ANSWERS_AT_ONCE == 0 {
                    self.env.yield_now().await;
                }
                let _receiver_gone = answer.send(result);
            }
            if is_large && !self.commits.borrow().waiting.is_empty() {
                self.env.yield_now().await;
            }
        }
    }

    async fn commit_batch(self: &Rc<Self>, batch: &[CommitIntent]) -> Result<Vec<Verdict>> {
        let mut lost_answers = 0;
        let mut moves = 0;
        let mut lost_races = 0;
        while lost_answers < LOST_ANSWERS_MAX {
            self.wait_for_memory().await?;
            self.be_in_turn(lost_races).await?;
            // Held until the storage has answered and what it said is known here.
            let _permit = self.commit_permit().await;
            self.check_usable_for_commit()?;
            let restart_count = self.restart_count.get();
            #[cfg(feature = "canaries")]
            let batch = &match self.env.canary() {
                Some(Canary::ReadsIgnored) => without_reads(batch),
                Some(Canary::TailUnchecked) if lost_races > 0 => without_reads(batch),
                _ => batch.to_vec(),
            };
            let mut resolution = self.resolve_batch(batch);
            if resolution.is_empty() {
                if lost_races > 0 {
                    self.env.note(Probe::BatchWithdrawn);
                }
                return Ok(results(&resolution));
            }
            match self.append(batch, &mut resolution).await {
                Ok(Attempt::Done) => {
                    self.env.note(Probe::Committed);
                    if resolution.record.transactions.len() > 1 {
                        self.env.note(Probe::BatchOfSeveral);
                    }
                    return Ok(results(&resolution));
                }
                Ok(Attempt::LostRace) => {
                    self.env.note(Probe::BatchDecidedAgain);
                    #[cfg(feature = "canaries")]
                    assert!(
                        self.env.canary() != Some(Canary::PanicOnLostRace),
                        "a race for a place in the log was lost"
                    );
                    lost_races += 1;
                }
                Ok(Attempt::RootMoved) => {
                    self.env.note(Probe::RootMovedDuringCommit);
                    moves += 1;
                    if moves > ROOT_MOVES_MAX {
                        return Err(never_still());
                    }
                }
                Err(error) if error.code() == ErrorCode::CommitUnknownResult => {
                    lost_answers += 1;
                    // The log itself has the answer, unless it was folded before it could be read.
                    self.find_out(batch).await.map_err(|_| error.clone())?;
                    let batch_id = resolution.record.batch_id;
                    if self.state.borrow().find_batch(&batch_id).is_some() {
                        self.env.note(Probe::LostAnswerFound);
                        self.publish_tail();
                        return Ok(results(&resolution));
                    }
                    if self.restart_count.get() != restart_count {
                        self.env.note(Probe::LostAnswerUnknown);
                        return Err(error);
                    }
                    self.env.note(Probe::LostAnswerNotFound);
                }
                Err(error) => return Err(self.note_damage(error)),
            }
        }
        Err(Error::new(
            ErrorCode::IoError,
            format!("the storage went away during {LOST_ANSWERS_MAX} attempts; nothing was committed"),
        ))
    }

    /// Reads the log after an answer was lost. Transactions with an idempotency id are promised an
    /// exact answer: for them it is tried for as long as the engine can be used.
    async fn find_out(&self, batch: &[CommitIntent]) -> Result<()> {
        let must_know = batch.iter().any(|intent| !intent.idempotency_id.is_empty());
        let mut delay_us = FIND_OUT_DELAY_US;
        loop {
            let result = self.catch_up().await;
            let is_retried = result.is_err()
                && self.check_usable_for_commit().is_ok()
                && (must_know || delay_us < FIND_OUT_DELAY_MAX_US);
            if !is_retried {
                return result;
            }
            if must_know {
                self.env.note(Probe::ExactAnswerInsistedOn);
            }
            self.env.sleep(delay_us).await;
            delay_us = (delay_us * 2).min(FIND_OUT_DELAY_MAX_US);
        }
    }

    /// Waits for this peer's turn and reads what it has not seen, if somebody else was faster the last time.
    async fn be_in_turn(self: &Rc<Self>, lost_races: u32) -> Result<()> {
        let has_turn = {
            let mut queue = self.commits.borrow_mut();
            queue.turn.take_if(|turn| self.time_left_us(turn) == 0);
            if !queue.is_overtaken && !self.env.is_perturbed(Perturbation::TakeTurn) {
                return Ok(());
            }
            queue.turn.is_some()
        };
        if has_turn && lost_races == 0 {
            // What there is was seen when it began.
            return Ok(());
        }
        if !has_turn {
            self.env.note(Probe::CommitTookItsTurn);
            // A page that is put away and may not commit must not keep the others waiting meanwhile.
            drop(self.commit_permit().await);
            let turn = self.next_turn().await;
            if turn.is_none() && lost_races > 0 {
                let longest_us = STEP_ASIDE_US << lost_races.min(STEP_ASIDE_DOUBLINGS);
                self.env.sleep(self.env.random_u64() % longest_us).await;
            }
            self.commits.borrow_mut().turn = turn;
        }
        let (seen, begun_us) = (self.state.borrow().tail(), self.env.monotonic_us());
        self.catch_up().await?;
        self.note_look(self.env.monotonic_us() - begun_us);
        let is_overtaken = self.state.borrow().tail() > seen;
        self.commits.borrow_mut().is_overtaken = is_overtaken;
        Ok(())
    }

    /// Appends at the end of the log as this engine knows it.
    async fn append(&self, batch: &[CommitIntent], resolution: &mut Resolution) -> Result<Attempt> {
        let first = self.state.borrow().tail().plus(1);
        let request = AppendRequest {
            root: self.root.borrow().bytes.clone(),
            entries: resolution.encode(first),
            durability: strongest_durability(batch),
        };
        match self.storage.append(request).await? {
            AppendOutcome::Appended(place) if place > first => {
                self.env.note(Probe::VoidRecord);
                self.commits.borrow_mut().is_overtaken = true;
                Ok(Attempt::LostRace)
            }
            AppendOutcome::Appended(place) => {
                self.apply_own_record(resolution, place)?;
                Ok(Attempt::Done)
            }
            AppendOutcome::RootMoved(_) => {
                self.refresh_root().await?;
                Ok(Attempt::RootMoved)
            }
        }
    }

    fn resolve_batch(&self, batch: &[CommitIntent]) -> Resolution {
        let [high, low] = [
            self.env.random_u64().to_le_bytes(),
            self.env.random_u64().to_le_bytes(),
        ];
        let mut batch_id = [0; 16];
        for (place, byte) in batch_id.iter_mut().zip(high.into_iter().chain(low)) {
            *place = byte;
        }
        let (monotonic_us, unix_us) = (self.env.monotonic_us(), self.env.unix_us());
        let now = Now {
            version: self.state.borrow().clock().now(monotonic_us, unix_us),
            unix_us,
            monotonic_us,
        };
        let is_perturbed = || self.env.is_perturbed(Perturbation::FalseConflict);
        resolve(&self.state.borrow(), batch.iter(), now, batch_id, &is_perturbed)
    }

    /// Tells the others how far the log goes. Who is alone has nobody to tell: whoever comes reads the log.
    fn publish_tail(&self) {
        if !self.has_nobody_to_tell() {
            self.news.publish(self.state.borrow().tail());
        }
    }

    /// Applies the record of a batch that the storage put at this place.
    ///
    /// # Errors
    /// `file_corrupt` if it is not the place that the record was made for, nor one after it that others may have
    /// caused: the storage has forgotten entries or numbers. The record is void then.
    fn apply_own_record(&self, resolution: &Resolution, place: SequenceNumber) -> Result<()> {
        if place != resolution.first {
            let expected = resolution.first;
            let detail = format!(
                "log record {expected}: this number was expected for a new record, the storage gave {place}"
            );
            return Err(Error::new(ErrorCode::FileCorrupt, detail));
        }
        let now_us = self.env.monotonic_us();
        let mut state = self.state.borrow_mut();
        // A read of the log may have been faster and applied it already.
        if resolution.place.last > state.tail() {
            let (record, place) = (&resolution.record, resolution.place);
            state.apply_record(record, place, now_us, &self.pager)?;
        }
        drop(state);
        self.after_apply(now_us);
        self.publish_tail();
        Ok(())
    }
}

#[cfg(feature = "canaries")]
fn without_reads(batch: &[CommitIntent]) -> Vec<CommitIntent> {
    let blind = |intent: &CommitIntent| CommitIntent {
        read_conflicts: Vec::new(),
        ..intent.clone()
    };
    batch.iter().map(blind).collect()
}

fn strongest_durability(batch: &[CommitIntent]) -> Durability {
    let wishes = batch.iter().map(|intent| intent.durability);
    wishes.max().unwrap_or_default()
}

fn results(resolution: &Resolution) -> Vec<Verdict> {
    let version = resolution.record.version;
    let committed = |batch_index| Committed { version, batch_index };
    resolution
        .verdicts
        .iter()
        .map(|verdict| verdict.clone().map(committed))
        .collect()
}
