//! What holds for the repository as a whole and no compiler checks: the arrows between crates and layers, the rules for
//! files, and that generated sources are up to date.

mod architecture;
mod files;
mod generated;
mod source_path;
mod token;
mod tree;
