//! A transaction's own writes: the list of the calls, and everything else worked out from it each time.

use std::collections::BTreeSet;

use plinth_core::words::{AtomicOp, Key, KeyRange, Value, key_after};

use super::atomic::atomic;
use super::key_program::KeyProgram;
use super::stamp::{Stamp, filled, possible_keys};
use super::{Map, ranges};

/// A write, as it was called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnWrite {
    /// A key is set.
    Set(Key, Value),
    /// Every key of a range is cleared.
    Clear(KeyRange),
    /// An operation on a key.
    Atomic(AtomicOp, Key, Value),
    /// A key with a versionstamp in it is set: template, value, and the keys it may become.
    StampedKey(Key, Value, KeyRange),
    /// A key is set to a value with a versionstamp in it.
    StampedValue(Key, Value),
}

/// The own writes up to some point, in the order of the calls.
#[derive(Clone, Debug, Default)]
pub struct OwnWrites {
    writes: Vec<OwnWrite>,
    /// Whether the commit carries them out one by one, instead of key by key.
    pub is_in_order: bool,
    /// Write conflict ranges, in the order of the calls; those of versionstamped keys come at commit.
    pub write_conflicts: Vec<KeyRange>,
}

impl OwnWrites {
    /// The next write, and the keys that others who read them are to conflict on.
    pub fn push(&mut self, write: OwnWrite, has_conflict: bool) {
        let conflict = match &write {
            OwnWrite::Set(key, _) | OwnWrite::Atomic(_, key, _) | OwnWrite::StampedValue(key, _) => {
                Some(KeyRange::new(key.clone(), key_after(key)))
            }
            OwnWrite::Clear(range) => Some(range.clone()),
            OwnWrite::StampedKey(..) => None,
        };
        self.write_conflicts.extend(conflict.filter(|_| has_conflict));
        self.writes.push(write);
    }

    /// Whether there is anything to commit.
    pub fn is_read_only(&self) -> bool {
        self.writes.is_empty() && self.write_conflicts.is_empty()
    }

    /// What the writes do to one key.
    pub fn program(&self, key: &[u8]) -> KeyProgram {
        let mut program = KeyProgram::default();
        for write in &self.writes {
            match write {
                OwnWrite::Set(own, value) if **own == *key => program.set(value.clone()),
                OwnWrite::Atomic(op, own, operand) if **own == *key => program.atomic(*op, operand.clone()),
                OwnWrite::StampedValue(own, template) if **own == *key => {
                    program.set_stamped(template.clone());
                }
                OwnWrite::Clear(range) if ranges::contains(range, key) => program.clear(),
                OwnWrite::StampedKey(_, _, range) if ranges::contains(range, key) => {
                    program.is_unreadable = true;
                }
                _ => {}
            }
        }
        program
    }

    /// The keys that are written one by one.
    pub fn keys(&self) -> BTreeSet<Key> {
        let key = |write: &OwnWrite| match write {
            OwnWrite::Set(key, _) | OwnWrite::Atomic(_, key, _) | OwnWrite::StampedValue(key, _) => {
                Some(key.clone())
            }
            OwnWrite::Clear(_) | OwnWrite::StampedKey(..) => None,
        };
        self.writes.iter().filter_map(key).collect()
    }

    /// The range cut where the writes begin to do, or cease to do, something: all keys of a piece share
    /// their program, or the piece is one key.
    pub fn pieces(&self, range: &KeyRange) -> Vec<(KeyRange, KeyProgram)> {
        let mut cuts: BTreeSet<Key> = BTreeSet::from([range.begin.clone(), range.end.clone()]);
        for write in &self.writes {
            match write {
                OwnWrite::Set(key, _) | OwnWrite::Atomic(_, key, _) | OwnWrite::StampedValue(key, _) => {
                    cuts.extend([key.clone(), key_after(key)]);
                }
                OwnWrite::Clear(range) | OwnWrite::StampedKey(_, _, range) => {
                    cuts.extend([range.begin.clone(), range.end.clone()]);
                }
            }
        }
        let cuts: Vec<Key> = cuts
            .into_iter()
            .filter(|cut| range.begin <= *cut && *cut <= range.end)
            .collect();
        let pieces = cuts.iter().zip(cuts.iter().skip(1));
        pieces
            .map(|(begin, end)| (KeyRange::new(begin.clone(), end.clone()), self.program(begin)))
            .collect()
    }

    /// The parts of a read that others can still change: everything but what own writes decide.
    pub fn trimmed(&self, range: &KeyRange) -> Vec<KeyRange> {
        let pieces = self.pieces(range).into_iter();
        pieces
            .filter(|(_, program)| program.depends_on_database())
            .map(|(piece, _)| piece)
            .collect()
    }

    /// Whether a read that looks at the keys of this range looks at what a versionstamp decides.
    pub fn has_unreadable(&self, range: &KeyRange) -> bool {
        self.pieces(range)
            .iter()
            .any(|(_, program)| program.is_unreadable)
    }

    /// Carries the writes out at a commit.
    pub fn apply(&self, state: &mut Map, stamp: Stamp) {
        if self.is_in_order {
            self.apply_in_order(state, stamp);
            return;
        }
        let keys: BTreeSet<Key> = state.keys().cloned().chain(self.keys()).collect();
        for key in keys {
            match self.program(&key).outcome(state.get(&key), Some(stamp)) {
                Some(value) => drop(state.insert(key, value)),
                None => drop(state.remove(&key)),
            }
        }
        for (key, value) in self.stamped_keys(stamp) {
            state.insert(key, value);
        }
    }

    fn apply_in_order(&self, state: &mut Map, stamp: Stamp) {
        let template = "the call checked the template";
        for write in &self.writes {
            match write {
                OwnWrite::Set(key, value) => drop(state.insert(key.clone(), value.clone())),
                OwnWrite::Clear(range) => state.retain(|key, _| !ranges::contains(range, key)),
                OwnWrite::Atomic(op, key, operand) => {
                    match atomic(*op, state.get(key).map(|value| &**value), operand) {
                        Some(value) => drop(state.insert(key.clone(), value.into())),
                        None => drop(state.remove(key)),
                    }
                }
                OwnWrite::StampedKey(key, value, _) => {
                    state.insert(filled(key, stamp).expect(template), value.clone());
                }
                OwnWrite::StampedValue(key, value) => {
                    state.insert(key.clone(), filled(value, stamp).expect(template));
                }
            }
        }
    }

    /// All write conflict ranges of the commit with this stamp.
    pub fn conflicts_at(&self, stamp: Stamp) -> Vec<KeyRange> {
        let stamped = self.stamped_keys(stamp).into_iter();
        let stamped = stamped.map(|(key, _)| KeyRange::new(key.clone(), key_after(&key)));
        self.write_conflicts.iter().cloned().chain(stamped).collect()
    }

    /// All write conflict ranges as far as they are known before the commit.
    pub fn conflicts_before_commit(&self, read_version: Option<u64>, space_end: &[u8]) -> Vec<KeyRange> {
        let stamped = self.templates().into_iter();
        let stamped = stamped.filter_map(|(template, _)| possible_keys(&template, read_version, space_end));
        self.write_conflicts.iter().cloned().chain(stamped).collect()
    }

    fn stamped_keys(&self, stamp: Stamp) -> Vec<(Key, Value)> {
        let templates = self.templates().into_iter();
        let stamped = |template: &Key| filled(template, stamp).expect("the call checked the template");
        templates
            .map(|(template, value)| (stamped(&template), value))
            .collect()
    }

    /// The templates of keys that no later clear has taken back, with their values.
    fn templates(&self) -> Vec<(Key, Value)> {
        let mut templates = Vec::new();
        for (index, write) in self.writes.iter().enumerate() {
            let OwnWrite::StampedKey(template, value, possible) = write else {
                continue;
            };
            let is_cleared = self.writes.iter().skip(index).any(
                |later| matches!(later, OwnWrite::Clear(range) if ranges::contains(range, &possible.begin)),
            );
            if !is_cleared {
                templates.push((template.clone(), value.clone()));
            }
        }
        templates
    }

    /// The writes, as they were called.
    pub fn calls(&self) -> &[OwnWrite] {
        &self.writes
    }
}
