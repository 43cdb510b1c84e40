//! The simulator in a page: the bindings of [`plinth_sim`] for the demo. No part of the npm package.
//!
//! A [`Day`] is played portion by portion, in virtual time, and shows what is to be seen of it; [`run_seed`] plays one to
//! its end. Bodies here convert, call and convert back. A panic of the simulated engine, which is a violation, is thrown
//! as an exception with its message; this instance of the module can't be used afterwards.

mod day;
mod fault;
mod panics;
mod view;

pub use day::{Day, run_seed};
pub use fault::faults;
pub use panics::throw_panics;
