//! Lines of transactions that lost a conflict: who lost over the same key tries again one after another.
//!
//! If all losers tried again at once, one would win and the others would have run for nothing, again and
//! again; if they waited for random times, nobody would run for most of the time. So the next one in line
//! starts when the one before it is done. A line is a courtesy, not a lock: waiting is bounded by the
//! caller, and whoever jumps it may merely conflict.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use futures_channel::oneshot;

use crate::pure::SortedMap;
use crate::words::Key;

/// The transactions that wait behind the one whose turn it is.
type Line = VecDeque<oneshot::Sender<Turn>>;

/// The lines of an engine, by the key that was fought for.
#[derive(Clone, Debug, Default)]
pub(super) struct Contention {
    lines: Rc<RefCell<SortedMap<Key, Line>>>,
}

/// One transaction's turn. The next one's begins when it is dropped.
#[derive(Debug)]
pub struct Turn {
    lines: Rc<RefCell<SortedMap<Key, Line>>>,
    key: Key,
}

impl Contention {
    /// A place in the line of this key. The turn comes at once if nobody is in it.
    pub(super) fn line_up(&self, key: Key) -> oneshot::Receiver<Turn> {
        let (sender, receiver) = oneshot::channel();
        let mut lines = self.lines.borrow_mut();
        if let Some(line) = lines.get_mut(&key) {
            line.push_back(sender);
            return receiver;
        }
        lines.insert(key.clone(), Line::new());
        drop(lines);
        let turn = Turn {
            lines: Rc::clone(&self.lines),
            key,
        };
        // The receiver is still here.
        let _sent = sender.send(turn);
        receiver
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        loop {
            let next = {
                let mut lines = self.lines.borrow_mut();
                let next = lines.get_mut(&self.key).and_then(VecDeque::pop_front);
                if next.is_none() {
                    lines.remove(&self.key);
                }
                next
            };
            let Some(next) = next else { return };
            if next.is_canceled() {
                continue;
            }
            let turn = Turn {
                lines: Rc::clone(&self.lines),
                key: self.key.clone(),
            };
            // A turn that can't be handed over is dropped, and so passes itself on.
            let _gave_up = next.send(turn);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        b"k".as_slice().into()
    }

    #[test]
    fn turns_come_one_after_another_and_those_who_gave_up_are_passed_over() {
        let contention = Contention::default();
        let mut first = contention.line_up(key());
        let mut second = contention.line_up(key());
        let third = contention.line_up(key());
        let mut fourth = contention.line_up(key());
        let turn = first.try_recv().unwrap().unwrap();
        assert!(second.try_recv().unwrap().is_none());
        drop(turn);
        let turn = second.try_recv().unwrap().unwrap();
        drop(third);
        drop(turn);
        let turn = fourth.try_recv().unwrap().unwrap();
        drop(turn);
        assert!(contention.lines.borrow().is_empty());
    }

    #[test]
    fn lines_of_different_keys_do_not_wait_for_each_other() {
        let contention = Contention::default();
        let mut one = contention.line_up(key());
        let mut other = contention.line_up(b"l".as_slice().into());
        assert!(one.try_recv().unwrap().is_some());
        assert!(other.try_recv().unwrap().is_some());
    }
}
