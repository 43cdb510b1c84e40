//! A bound for what IndexedDB may keep waiting for ever: opening and deleting a database wait for every
//! other connection that is asked to close, and one that belongs to a page which is frozen, or to other
//! software, may not.

use std::pin::pin;

use futures_util::future::{Either, select};
use plinth_core::words::{Env, Error, ErrorCode, Result};

use crate::env::JsEnv;

/// Longer than any browser takes that is only busy.
const PATIENCE_US: u64 = 10_000_000;

/// What `waiting` completes with, or `timed_out` after ten seconds. `verb` says what was to be done with the
/// database `name`. The event `blocked` is of no use: it does not come for the second in the queue.
pub(super) async fn within_patience<T>(
    waiting: impl Future<Output = T>,
    verb: &str,
    name: &str,
) -> Result<T> {
    match select(pin!(waiting), JsEnv.sleep(PATIENCE_US)).await {
        Either::Left((done, _)) => Ok(done),
        Either::Right(_) => Err(Error::new(
            ErrorCode::TimedOut,
            format!(
                "IndexedDB: could not {verb} {name} within {} s: it waits for a tab or worker that has the \
                 database open, was asked to close it, and does not; close that tab",
                PATIENCE_US / 1_000_000
            ),
        )),
    }
}
