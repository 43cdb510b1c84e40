//! Where synchronous code gets pages from: what is in memory is here, everything else is missing.
//!
//! A computation that needs a page that is not here stops and says which pages it is going to need. Who
//! called it fetches them and calls again.

use std::rc::Rc;

use super::page::Page;
use crate::words::{Error, ErrorCode, PageId};

/// Pages in memory.
pub trait PageSource {
    /// The page, if it is here.
    fn page(&self, id: PageId) -> Option<Rc<Page>>;
}

/// Why a computation over pages stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It goes on once these pages are here. The first is needed now, the others soon.
    Missing(Vec<PageId>),
    /// It failed.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Failed(error)
    }
}

impl From<ErrorCode> for Stop {
    fn from(code: ErrorCode) -> Stop {
        Stop::Failed(code.into())
    }
}

/// The result of a computation over pages.
pub type Found<T> = std::result::Result<T, Stop>;

/// The page, or the stop that asks for it.
pub(super) fn needed(pages: &dyn PageSource, id: PageId) -> Found<Rc<Page>> {
    pages.page(id).ok_or_else(|| Stop::Missing(vec![id]))
}
