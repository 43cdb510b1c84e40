//! A read's answer: there at once when what it needs is in memory, a future otherwise.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::words::{LocalFuture, Result};

/// The answer of a read. Await it, or look whether it is [`Read::Ready`] and skip the event loop.
pub enum Read<T> {
    /// The answer.
    Ready(Result<T>),
    /// The answer is on its way, whether or not this is polled.
    Pending(LocalFuture<Result<T>>),
}

impl<T: 'static> IntoFuture for Read<T> {
    type Output = Result<T>;
    type IntoFuture = ReadFuture<T>;

    fn into_future(self) -> ReadFuture<T> {
        match self {
            Read::Ready(result) => ReadFuture::Ready(ready(result)),
            Read::Pending(future) => ReadFuture::Pending(future),
        }
    }
}

/// The future of a [`Read`].
pub enum ReadFuture<T> {
    #[doc(hidden)]
    Ready(Ready<Result<T>>),
    #[doc(hidden)]
    Pending(LocalFuture<Result<T>>),
}

impl<T> Future for ReadFuture<T> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        // Both variants are `Unpin`: the futures are boxed or plain values.
        match self.get_mut() {
            ReadFuture::Ready(future) => Pin::new(future).poll(context),
            ReadFuture::Pending(future) => future.as_mut().poll(context),
        }
    }
}
