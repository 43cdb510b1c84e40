//! Runs a program on simulated peers and writes down every call with its answer.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use plinth_core::words::{
    Key, KeySelector, LocalFuture, RangeOptions, RangeRows, SYSTEM_KEY_SPACE_END, StreamingMode,
    TransactionOption, Value,
};
use plinth_core::{Read, Result, Transaction, TransactionOptions};

use super::{Actor, Program, Step};
use crate::model::{Answer, Attempt, Call, Conflicts, Event, Moment, ReadVersion, Transcript};
use crate::{Cluster, ClusterOptions, Faults, Peer, SimulatedStorage, Simulation};

/// Long enough for news to arrive and for watches to be compared, or for a peer that no news reached to
/// look at the log by itself, which it does every second.
const SETTLING_US: u64 = 2_500_000;

/// Runs a program in the world that follows from a seed.
pub fn run(program: &Program, seed: u64) -> Transcript {
    let world = Simulation::new(seed);
    let options = ClusterOptions {
        faults: Faults {
            delay_us: 300,
            ..Faults::default()
        },
        news_delay_us: 1_000,
        without_locks: !program.has_locks,
        ..ClusterOptions::default()
    };
    let (cluster, program) = (Cluster::new(&world, options), program.clone());
    world.run(async move { Runner::open(&cluster, &program).await.run(&program).await })
}

/// A watch's outcome, when it has one.
type Outcome = Rc<RefCell<Option<(Answer, Moment)>>>;

/// A transaction while it runs.
struct Running {
    transaction: Rc<Transaction<SimulatedStorage>>,
    attempt: Attempt,
    /// The first call that needed the read version.
    requested: Option<Moment>,
    /// Answers on their way, with the index of their event.
    pending: Vec<(usize, LocalFuture<Answer>)>,
}

struct Runner {
    world: Simulation,
    peers: Vec<Peer>,
    actors: Vec<Running>,
    places: Rc<Cell<u64>>,
    /// Of the attempts that are over.
    attempts: Vec<Attempt>,
    /// By attempt and event.
    watches: Vec<(String, usize, Outcome)>,
}

impl Runner {
    async fn open(cluster: &Cluster, program: &Program) -> Runner {
        let mut peers = Vec::new();
        for _ in 0..program.peer_count {
            peers.push(cluster.open().await);
        }
        let actors = program.actors.iter().enumerate();
        let actors = actors
            .map(|(index, actor)| Running::new(index, actor, &peers))
            .collect();
        Runner {
            world: cluster.world().clone(),
            peers,
            actors,
            places: Rc::default(),
            attempts: Vec::new(),
            watches: Vec::new(),
        }
    }

    async fn run(mut self, program: &Program) -> Transcript {
        for step in &program.steps {
            match step {
                Step::Call {
                    transaction,
                    call,
                    is_awaited,
                } => self.call(*transaction, call, *is_awaited).await,
                Step::AwaitAll(transaction) => self.await_all(*transaction).await,
                Step::Sleep(duration_us) => self.world.sleep(*duration_us).await,
            }
        }
        for index in 0..self.actors.len() {
            self.await_all(index).await;
        }
        self.world.sleep(SETTLING_US).await;
        for index in 0..self.actors.len() {
            self.call(index, &Call::Reset, true).await;
        }
        self.world.sleep(SETTLING_US).await;
        let last_rows = self.rows().await;
        for (name, event, outcome) in &self.watches {
            let outcome = outcome.borrow();
            let attempt = self.attempts.iter_mut().find(|attempt| attempt.name == *name);
            let event = attempt.and_then(|attempt| attempt.events.get_mut(*event));
            if let (Some(event), Some((answer, answered))) = (event, outcome.as_ref()) {
                event.answer = answer.clone();
                event.answered = *answered;
            }
        }
        Transcript {
            attempts: self.attempts,
            last_rows,
        }
    }

    /// Every row of the database.
    async fn rows(&self) -> Vec<(Key, Value)> {
        let peer = self.peers.first().expect("a program has a peer");
        let transaction = peer.database.create_transaction(TransactionOptions::default());
        let reads_all = transaction.set_option(TransactionOption::ReadSystemKeys.number(), b"");
        reads_all.expect("a new transaction takes the option");
        let mut begin = KeySelector::first_greater_or_equal(b"".as_slice());
        let end = KeySelector::first_greater_or_equal(SYSTEM_KEY_SPACE_END);
        let options = RangeOptions {
            mode: StreamingMode::Serial,
            ..RangeOptions::default()
        };
        let mut rows = Vec::new();
        loop {
            let batch = transaction.get_range(&begin, &end, options).await;
            let batch = batch.expect("nothing fails in this world");
            rows.extend(batch.rows);
            match rows.last() {
                Some((key, _)) if batch.more => begin = KeySelector::first_greater_than(Key::clone(key)),
                _ => return rows,
            }
        }
    }

    fn moment(&self) -> Moment {
        moment(&self.world, &self.places)
    }

    async fn call(&mut self, index: usize, call: &Call, is_awaited: bool) {
        let ends_attempt = matches!(call, Call::Cancel | Call::Reset | Call::OnError(_));
        if ends_attempt {
            // What becomes of a commit that is abandoned half-way is not for this model to say.
            self.await_commit(index).await;
            // The wait before a retry is long enough for reads on their way to be answered.
            let waits = matches!(call, Call::OnError(_));
            self.learn_read_version(index, waits).await;
        }
        // Their answers depend on whether the read version is known.
        if matches!(call, Call::SetVersionstampedKey(..) | Call::GetConflicts(_)) {
            self.learn_read_version(index, true).await;
        }
        let called = self.moment();
        let Some(actor) = self.actors.get_mut(index) else {
            return;
        };
        let known_read_version = actor.attempt.read_version.map(|read| read.version);
        let event = actor.attempt.events.len();
        let begun = actor.begin(call, called);
        actor.attempt.events.push(Event {
            call: call.clone(),
            answer: Answer::Silent,
            called,
            answered: called,
            known_read_version,
        });
        match begun {
            Begun::Answered(answer) => {
                self.answer(index, event, answer);
                self.learn_read_version(index, false).await;
            }
            Begun::Pending(answer) => {
                actor.pending.push((event, answer));
                let waits = match call {
                    // It comes with the commit, which is a later step.
                    Call::Versionstamp => false,
                    // Of the reads until then, and no later ones.
                    Call::GetConflicts(_) => true,
                    _ => is_awaited,
                };
                if waits {
                    self.await_event(index, event).await;
                }
            }
            Begun::Watching(watch) => {
                let outcome = Outcome::default();
                let name = actor.attempt.name.clone();
                self.watches.push((name, event, Rc::clone(&outcome)));
                let (world, places) = (self.world.clone(), Rc::clone(&self.places));
                // Not awaited: a watch may never fire.
                drop(self.world.spawn(async move {
                    let answer = watch.await;
                    *outcome.borrow_mut() = Some((answer, moment(&world, &places)));
                }));
            }
        }
        if matches!(call, Call::GetConflicts(_)) {
            // The reads that it told of are answered, and counted on.
            self.await_all(index).await;
        }
        let is_over = match call {
            Call::Reset => true,
            Call::OnError(_) => {
                let event = self
                    .actors
                    .get(index)
                    .and_then(|actor| actor.attempt.events.get(event));
                event.is_some_and(|event| event.answer == Answer::Done)
            }
            _ => false,
        };
        if is_over {
            self.await_all(index).await;
            if let Some(actor) = self.actors.get_mut(index) {
                self.attempts.push(actor.next_attempt());
            }
        }
    }

    /// Takes an answer.
    fn answer(&mut self, index: usize, event: usize, answer: Answer) {
        let answered = self.moment();
        let actor = self.actors.get_mut(index);
        if let Some(event) = actor.and_then(|actor| actor.attempt.events.get_mut(event)) {
            event.answer = answer;
            event.answered = answered;
        }
    }

    /// Waits for one answer.
    async fn await_event(&mut self, index: usize, event: usize) {
        let Some(actor) = self.actors.get_mut(index) else {
            return;
        };
        let Some(place) = actor.pending.iter().position(|(pending, _)| *pending == event) else {
            return;
        };
        let (_, answer) = actor.pending.remove(place);
        let call = actor.attempt.events.get(event).map(|event| event.call.clone());
        let answer = answer.await;
        let is_failed = matches!(answer, Answer::Failed(_));
        let is_commit = call == Some(Call::Commit);
        if is_commit && let Some(actor) = self.actors.get_mut(index) {
            let committed = actor.transaction.committed();
            actor.attempt.committed = committed.map(|place| (place.version.get(), place.batch_index));
        }
        self.answer(index, event, answer);
        let needs_version =
            call.is_some_and(|call| call.is_read() || call == Call::ReadVersion) && !is_failed;
        if is_commit || needs_version {
            if is_commit && let Some(actor) = self.actors.get_mut(index) {
                let called = actor.attempt.events.get(event).map(|event| event.called);
                actor.requested = actor.requested.or(called);
            }
            self.learn_read_version(index, true).await;
        }
    }

    /// Asks for the read version, if anything has made the transaction get one. Without waiting, only if
    /// it is there.
    async fn learn_read_version(&mut self, index: usize, waits: bool) {
        let Some(actor) = self.actors.get(index) else {
            return;
        };
        let (Some(requested), None) = (actor.requested, actor.attempt.read_version) else {
            return;
        };
        // By then the transaction is in its next attempt, or in none.
        if actor.is_over() {
            return;
        }
        let version = match actor.transaction.read_version() {
            Read::Pending(_) if !waits => return,
            version => version.await,
        };
        let learned = self.moment();
        if let (Ok(version), Some(actor)) = (version, self.actors.get_mut(index)) {
            actor.attempt.read_version = Some(ReadVersion {
                version: version.get(),
                requested,
                learned,
            });
        }
    }

    /// Waits for a commit under way, and for the reads that it waited for.
    async fn await_commit(&mut self, index: usize) {
        let is_committing = self
            .actors
            .get(index)
            .is_some_and(|actor| actor.attempt.commit().is_some());
        if is_committing {
            self.await_all(index).await;
        }
    }

    /// Waits for everything that can have an answer: a versionstamp has none before the commit.
    async fn await_all(&mut self, index: usize) {
        loop {
            let Some(actor) = self.actors.get(index) else {
                return;
            };
            let is_over = actor.is_over() || actor.attempt.commit().is_some();
            let next = actor.pending.iter().find(|(event, _)| {
                let event = actor.attempt.events.get(*event);
                is_over || event.is_some_and(|event| event.call != Call::Versionstamp)
            });
            let Some((event, _)) = next else {
                return;
            };
            let event = *event;
            self.await_event(index, event).await;
        }
    }
}

fn moment(world: &Simulation, places: &Cell<u64>) -> Moment {
    places.set(places.get() + 1);
    Moment {
        place: places.get(),
        time_us: world.now_us(),
    }
}

/// A call that was made.
enum Begun {
    Answered(Answer),
    Pending(LocalFuture<Answer>),
    Watching(LocalFuture<Answer>),
}

impl Running {
    fn new(number: usize, actor: &Actor, peers: &[Peer]) -> Running {
        let peer = peers.get(actor.peer).expect("programs name peers that there are");
        let options = TransactionOptions {
            size_limit: actor.size_limit,
            ..TransactionOptions::default()
        };
        Running {
            transaction: peer.database.create_transaction(options),
            attempt: Attempt {
                name: format!("t{number}"),
                is_first: true,
                size_limit: actor.size_limit,
                ..Attempt::default()
            },
            requested: None,
            pending: Vec::new(),
        }
    }

    /// Whether the attempt was ended by something else than its commit.
    fn is_over(&self) -> bool {
        let mut events = self.attempt.events.iter();
        events.any(|event| matches!(event.call, Call::Cancel | Call::Reset | Call::OnError(_)))
    }

    /// Begins the next attempt and gives the last one.
    fn next_attempt(&mut self) -> Attempt {
        let mut name = self.attempt.name.clone();
        name.push('\'');
        let next = Attempt {
            name,
            size_limit: self.attempt.size_limit,
            ..Attempt::default()
        };
        self.requested = None;
        std::mem::replace(&mut self.attempt, next)
    }

    fn begin(&mut self, call: &Call, called: Moment) -> Begun {
        if self.attempt.needs_read_version(call) {
            self.requested.get_or_insert(called);
        }
        let transaction = &self.transaction;
        let done = |result: Result<()>| Begun::Answered(answer(result, |()| Answer::Done));
        match call {
            Call::Get(key, snapshot) => begun(transaction.get(key, *snapshot), Answer::Value),
            Call::GetKey(selector, snapshot) => begun(transaction.get_key(selector, *snapshot), Answer::Key),
            Call::GetRange(begin, end, options) => {
                begun(transaction.get_range(begin, end, *options), Answer::Rows)
            }
            Call::ReadVersion => {
                let version = transaction.read_version();
                begun(version, |version| Answer::Version(version.get()))
            }
            Call::Watch(key) => {
                let watch = transaction.watch(key);
                Begun::Watching(Box::pin(async move { answer(watch.await, |()| Answer::Done) }))
            }
            Call::Set(key, value) => done(transaction.set(key, value)),
            Call::Clear(key) => done(transaction.clear(key)),
            Call::ClearRange(begin, end) => done(transaction.clear_range(begin, end)),
            Call::Atomic(op, key, operand) => done(transaction.atomic(*op, key, operand)),
            Call::SetVersionstampedKey(template, value) => {
                done(transaction.set_versionstamped_key(template, value))
            }
            Call::SetVersionstampedValue(key, template) => {
                done(transaction.set_versionstamped_value(key, template))
            }
            Call::AddReadConflictRange(begin, end) => done(transaction.add_read_conflict_range(begin, end)),
            Call::AddWriteConflictRange(begin, end) => done(transaction.add_write_conflict_range(begin, end)),
            Call::SetOption(option) => done(transaction.set_option(option.number(), b"")),
            Call::GetConflicts(conflicts) => begun(get_conflicts(transaction, *conflicts), Answer::Rows),
            Call::Versionstamp => {
                let stamp = transaction.versionstamp();
                Begun::Pending(Box::pin(async move { answer(stamp.await, Answer::Stamp) }))
            }
            Call::Commit => {
                let commit = transaction.commit();
                Begun::Pending(Box::pin(async move { answer(commit.await, |()| Answer::Done) }))
            }
            Call::Cancel => {
                transaction.cancel();
                Begun::Answered(Answer::Done)
            }
            Call::Reset => {
                transaction.reset();
                Begun::Answered(Answer::Done)
            }
            Call::OnError(code) => {
                let retry = transaction.on_error(&(*code).into());
                Begun::Pending(Box::pin(async move { answer(retry.await, |()| Answer::Done) }))
            }
        }
    }
}

fn get_conflicts(transaction: &Transaction<SimulatedStorage>, conflicts: Conflicts) -> Read<RangeRows> {
    let begin = KeySelector::first_greater_or_equal(conflicts.prefix());
    let mut end = conflicts.prefix().to_vec();
    end.push(0xff);
    end.push(0xff);
    end.push(0xff);
    let end = KeySelector::first_greater_or_equal(end);
    let options = RangeOptions {
        limit: 10_000,
        mode: StreamingMode::Exact,
        ..RangeOptions::default()
    };
    transaction.get_range(&begin, &end, options)
}

fn answer<T>(result: Result<T>, of_success: impl FnOnce(T) -> Answer) -> Answer {
    result.map_or_else(|error| Answer::Failed(error.code()), of_success)
}

/// A read, begun: many are answered at once. One that is on its way is asked once, as a caller would
/// who goes on to something else.
fn begun<T: 'static>(read: Read<T>, of_success: impl FnOnce(T) -> Answer + 'static) -> Begun {
    match read {
        Read::Ready(result) => Begun::Answered(answer(result, of_success)),
        Read::Pending(future) => Begun::Pending(Box::pin(async move { answer(future.await, of_success) })),
    }
}
