//! A transaction that remembers its calls and their answers, for the history.

use std::cell::RefCell;
use std::rc::Rc;

use plinth_core::words::{AtomicOp, Durability, KeySelector, LocalFuture, RangeOptions};
use plinth_core::{Result, Transaction, Watch};

use super::stage::Stage;
use crate::history::{Observation, Operation, Outcome};
use crate::simulated_storage::SimulatedStorage;
use crate::timeline::{Place, Rows};

/// What is known of an attempt so far: becomes part of the history however it ends.
pub(super) struct Seen {
    stage: Rc<Stage>,
    observation: RefCell<Observation>,
}

impl Seen {
    pub(super) fn new(
        stage: &Rc<Stage>,
        workload: &'static str,
        lane: usize,
        durability: Durability,
    ) -> Rc<Seen> {
        Rc::new(Seen {
            stage: Rc::clone(stage),
            observation: RefCell::new(Observation {
                workload,
                lane,
                number: stage.number(),
                acknowledged_before: stage.acknowledged(),
                durability,
                read_version: None,
                operations: Vec::new(),
                // Of a transaction that ends before its commit is called.
                outcome: Outcome::Failed(plinth_core::ErrorCode::OperationCancelled),
            }),
        })
    }

    fn push(&self, operation: Operation) -> usize {
        let operations = &mut self.observation.borrow_mut().operations;
        operations.push(operation);
        operations.len() - 1
    }

    fn answer(&self, index: usize, fill: impl FnOnce(&mut Operation)) {
        if let Some(operation) = self.observation.borrow_mut().operations.get_mut(index) {
            fill(operation);
        }
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        let observation = self.observation.borrow().clone();
        self.stage.push(observation);
    }
}

/// An attempt of a transaction. Its calls are those of [`Transaction`], on plain bytes.
pub struct Recorded {
    transaction: Rc<Transaction<SimulatedStorage>>,
    seen: Rc<Seen>,
}

impl Recorded {
    pub(super) fn new(transaction: Rc<Transaction<SimulatedStorage>>, seen: &Rc<Seen>) -> Recorded {
        Recorded {
            transaction,
            seen: Rc::clone(seen),
        }
    }

    /// A key's value as of this call.
    pub fn get(&self, key: &[u8], is_snapshot: bool) -> LocalFuture<Result<Option<Vec<u8>>>> {
        let index = self.seen.push(Operation::Get {
            key: key.to_vec(),
            is_snapshot,
            answer: None,
        });
        let read = self.transaction.get(key, is_snapshot);
        let seen = Rc::clone(&self.seen);
        Box::pin(async move {
            let value = read.await?.map(|value| value.to_vec());
            seen.answer(index, |operation| {
                if let Operation::Get { answer, .. } = operation {
                    *answer = Some(value.clone());
                }
            });
            Ok(value)
        })
    }

    /// One batch of rows as of this call, and whether there are more.
    pub fn range(
        &self,
        begin: &[u8],
        end: &[u8],
        options: RangeOptions,
    ) -> LocalFuture<Result<(Rows, bool)>> {
        let index = self.seen.push(Operation::Range {
            begin: begin.to_vec(),
            end: end.to_vec(),
            reverse: options.reverse,
            is_snapshot: options.snapshot,
            answer: None,
        });
        let [begin, end] = [begin, end].map(KeySelector::first_greater_or_equal);
        let read = self.transaction.get_range(&begin, &end, options);
        let seen = Rc::clone(&self.seen);
        Box::pin(async move {
            let read = read.await?;
            let rows: Rows = read
                .rows
                .iter()
                .map(|(key, value)| (key.to_vec(), value.to_vec()))
                .collect();
            seen.answer(index, |operation| {
                if let Operation::Range { answer, .. } = operation {
                    *answer = Some((rows.clone(), read.more));
                }
            });
            Ok((rows, read.more))
        })
    }

    /// Every row, batch by batch.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn all_rows(&self, begin: &[u8], end: &[u8]) -> Result<Rows> {
        let mut all = Rows::new();
        let mut from = begin.to_vec();
        loop {
            let (rows, more) = self.range(&from, end, RangeOptions::default()).await?;
            all.extend(rows);
            match all.last() {
                Some((key, _)) if more => from = [key.as_slice(), b"\0"].concat(),
                _ => return Ok(all),
            }
        }
    }

    /// Sets a key.
    ///
    /// # Errors
    /// As [`Transaction::set`].
    pub fn set(&self, key: &[u8], value: &[u8]) -> Result<()> {
        self.seen.push(Operation::Set(key.to_vec(), value.to_vec()));
        self.transaction.set(key, value)
    }

    /// Clears the keys between two.
    ///
    /// # Errors
    /// As [`Transaction::clear_range`].
    pub fn clear_range(&self, begin: &[u8], end: &[u8]) -> Result<()> {
        self.seen.push(Operation::Clear(begin.to_vec(), end.to_vec()));
        self.transaction.clear_range(begin, end)
    }

    /// Clears a key.
    ///
    /// # Errors
    /// As [`Transaction::clear`].
    pub fn clear(&self, key: &[u8]) -> Result<()> {
        let end = [key, b"\0"].concat();
        self.seen.push(Operation::Clear(key.to_vec(), end));
        self.transaction.clear(key)
    }

    /// Carries out an atomic operation.
    ///
    /// # Errors
    /// As [`Transaction::atomic`].
    pub fn atomic(&self, op: AtomicOp, key: &[u8], operand: &[u8]) -> Result<()> {
        self.seen
            .push(Operation::Atomic(op, key.to_vec(), operand.to_vec()));
        self.transaction.atomic(op, key, operand)
    }

    /// The transaction itself, for calls that are not remembered. Reads after them are not judged.
    pub fn raw(&self) -> &Rc<Transaction<SimulatedStorage>> {
        self.seen.push(Operation::Other);
        &self.transaction
    }

    /// A watch of a key. It reads the key, and conflicts like that.
    pub fn watch(&self, key: &[u8]) -> Watch<SimulatedStorage> {
        self.seen.push(Operation::Get {
            key: key.to_vec(),
            is_snapshot: false,
            answer: None,
        });
        self.transaction.watch(key)
    }

    /// Commits, unless the body failed.
    pub(super) async fn commit<T>(&self, stage: &Rc<Stage>, result: Result<T>) -> Result<(T, Option<Place>)> {
        let note = |outcome| self.seen.observation.borrow_mut().outcome = outcome;
        let value = match result {
            Ok(value) => value,
            Err(error) => {
                note(Outcome::Failed(error.code()));
                return Err(error);
            }
        };
        let has_read = self
            .seen
            .observation
            .borrow()
            .operations
            .iter()
            .any(|operation| matches!(operation, Operation::Get { .. } | Operation::Range { .. }));
        if has_read {
            let read_version = self.transaction.read_version().await;
            self.seen.observation.borrow_mut().read_version = read_version.ok();
        }
        // Whoever is killed from here on leaves it open whether this happened.
        note(Outcome::Unknown);
        if let Err(error) = self.transaction.commit().await {
            note(Outcome::of_failure(&error));
            return Err(error);
        }
        let place = self.transaction.committed().map(|committed| Place {
            version: committed.version,
            batch_index: committed.batch_index,
        });
        note(place.map_or(Outcome::ReadOnly, Outcome::Committed));
        if let Some(place) = place {
            stage.acknowledge(place);
        }
        Ok((value, place))
    }
}
