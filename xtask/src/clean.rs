//! `cargo xtask clean`: removes what the commands made. What takes long to fetch or compile stays, unless asked for.

use std::fs;

use anyhow::Result;

use crate::command;
use crate::package;
use crate::paths;
use crate::step::note;

/// Removes the generated and built files; with `all`, cargo's target folder and the npm packages too.
pub(crate) fn run(all: bool) -> Result<()> {
    let mut made = vec![
        paths::generated(),
        paths::www().join("dist"),
        paths::demo().join("dist"),
        paths::generated_simulator(),
        paths::reference().join("dist"),
        package::unpacked(),
        paths::www().join("LICENSE-APACHE"),
        paths::www().join("LICENSE-MIT"),
        paths::www().join("README.md"),
        paths::www().join("CHANGELOG.md"),
        paths::demo().join(".work"),
        paths::package_tests().join(".work"),
        paths::bench().join(".work"),
        paths::work(),
    ];
    made.extend(package::packed()?);
    if all {
        for folder in [
            paths::root(),
            paths::www(),
            paths::package_tests(),
            paths::bench(),
            paths::demo(),
        ] {
            made.push(folder.join("node_modules"));
        }
    }
    for path in made {
        if fs::symlink_metadata(&path).is_ok() {
            package::remove(&path)?;
            note(&format!("removed {}", paths::shown(&path)));
        }
    }
    if all {
        command::run(command::cargo().arg("clean"))?;
        // Inside cargo's folder, but of another cargo.
        package::remove(&paths::target().join("debian-wasm"))?;
    }
    Ok(())
}
