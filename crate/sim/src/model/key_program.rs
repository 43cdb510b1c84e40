//! What a transaction's own writes do to one key: the steps that are left of them at some point.
//!
//! FoundationDB folds an operation at once where the value before it is known, and merges it into the
//! operation before it where the two are of one kind; that is visible in what a transaction weighs and
//! in appends that do not fit, so the model does the same.

use plinth_core::words::{AtomicOp, Value};

use super::atomic::atomic;
use super::stamp::{Stamp, filled};

/// What a key's own writes start from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Base {
    /// The database's value, whatever it is at the commit.
    #[default]
    Database,
    /// This value, or nothing.
    Known(Option<Value>),
}

/// A write that is carried out later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The value is replaced.
    Set(Value),
    /// The value is what the operation makes of it.
    Atomic(AtomicOp, Value),
    /// The value is replaced by the template with the commit's versionstamp in it.
    Stamped(Value),
}

/// The own writes of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyProgram {
    /// What the steps start from.
    pub base: Base,
    /// What is left to be done.
    pub steps: Vec<Step>,
    /// Whether a versionstamp decides what is here.
    pub is_unreadable: bool,
}

impl KeyProgram {
    /// The key is set. Of an unreadable key that is only remembered: it stays unreadable.
    pub fn set(&mut self, value: Value) {
        if self.is_unreadable {
            self.steps.push(Step::Set(value));
        } else {
            self.base = Base::Known(Some(value));
            self.steps.clear();
        }
    }

    /// The key is cleared; that heals it.
    pub fn clear(&mut self) {
        *self = KeyProgram {
            base: Base::Known(None),
            ..KeyProgram::default()
        };
    }

    /// An operation is carried out on the key.
    pub fn atomic(&mut self, op: AtomicOp, operand: Value) {
        if self.is_unreadable {
            self.steps.push(Step::Atomic(op, operand));
            return;
        }
        if let Base::Known(value) = &mut self.base {
            *value = atomic(op, value.as_deref(), &operand).map(Value::from);
            return;
        }
        match self.steps.last_mut() {
            Some(Step::Atomic(top_op, top)) if *top_op == op && merges(op, top, &operand) => {
                *top = atomic(op, Some(top), &operand).unwrap_or_default().into();
            }
            _ => self.steps.push(Step::Atomic(op, operand)),
        }
    }

    /// The key is set to a value with a versionstamp in it.
    pub fn set_stamped(&mut self, template: Value) {
        if !self.is_unreadable {
            self.base = Base::Known(None);
            self.steps.clear();
        }
        self.steps.push(Step::Stamped(template));
        self.is_unreadable = true;
    }

    /// Whether the database has a say in what the key's value will be.
    pub fn depends_on_database(&self) -> bool {
        let is_replaced = matches!(self.steps.first(), Some(Step::Set(_) | Step::Stamped(_)));
        self.base == Base::Database && !is_replaced
    }

    /// The value, given the one in the database. `stamp` is needed for unreadable keys only.
    pub fn outcome(&self, existing: Option<&Value>, stamp: Option<Stamp>) -> Option<Value> {
        self.outcome_with(existing, |template| {
            let stamp = stamp.expect("only commits carry out versionstamps");
            filled(template, stamp).expect("the call checked the template")
        })
    }

    /// The value, with a template as it stands where there will be a stamp.
    pub fn outcome_unstamped(&self, existing: Option<&Value>) -> Option<Value> {
        self.outcome_with(existing, Value::clone)
    }

    fn outcome_with(&self, existing: Option<&Value>, fill: impl Fn(&Value) -> Value) -> Option<Value> {
        let mut value = match &self.base {
            Base::Database => existing.cloned(),
            Base::Known(value) => value.clone(),
        };
        for step in &self.steps {
            value = match step {
                Step::Set(value) => Some(value.clone()),
                Step::Atomic(op, operand) => atomic(*op, value.as_deref(), operand).map(Value::from),
                Step::Stamped(template) => Some(fill(template)),
            };
        }
        value
    }
}

/// Whether two operations of one kind in a row are one operation.
fn merges(op: AtomicOp, top: &[u8], operand: &[u8]) -> bool {
    match op {
        AtomicOp::BitAnd | AtomicOp::AppendIfFits | AtomicOp::ByteMin | AtomicOp::ByteMax => true,
        AtomicOp::Add | AtomicOp::BitOr | AtomicOp::BitXor | AtomicOp::Max | AtomicOp::Min => {
            top.len() == operand.len()
        }
        AtomicOp::CompareAndClear => false,
    }
}
