//! Where things are in the repository. The one place that knows folder names, so that moving a folder is one edit.

use std::env;
use std::path::{Path, PathBuf};

/// The folder of the workspace's Cargo.toml.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is a folder of the workspace")
        .to_path_buf()
}

/// Cargo's target folder: where everything that can be made again is kept.
pub(crate) fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// Stamps and intermediate files of this tool.
pub(crate) fn work() -> PathBuf {
    target().join("xtask")
}

/// The npm package.
pub(crate) fn www() -> PathBuf {
    root().join("www")
}

/// What the binding generator writes; not in git.
pub(crate) fn generated() -> PathBuf {
    www().join("generated")
}

/// The tests of the packed npm package.
pub(crate) fn package_tests() -> PathBuf {
    root().join("pkg-tests")
}

/// The benchmark beside other databases.
pub(crate) fn bench() -> PathBuf {
    root().join("bench")
}

/// The settings of the API reference.
pub(crate) fn reference() -> PathBuf {
    root().join("reference")
}

/// The demo page.
pub(crate) fn demo() -> PathBuf {
    root().join("demo")
}

/// What the binding generator writes for the demo's simulator; not in git.
pub(crate) fn generated_simulator() -> PathBuf {
    demo().join("generated")
}

/// The path as a person in the repository would type it.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
