//! `cargo xtask docs`: the reference of the package's API, made of the comments in its sources, and the guide.

use std::path::Path;

use anyhow::Result;

use crate::command;
use crate::kit::Kit;
use crate::npm;
use crate::paths;
use crate::stamp::Stamp;
use crate::step::step;

/// Writes the reference where a person looks for it.
pub(crate) fn run() -> Result<()> {
    Kit::default().built()?;
    let target = paths::reference().join("dist");
    build(&target)?;
    println!(
        "\n   The reference is at {}.",
        paths::shown(&target.join("index.html"))
    );
    Ok(())
}

/// Brings the reference in `target` up to date. The package has been built.
pub(crate) fn build(target: &Path) -> Result<()> {
    let www = paths::www();
    let inputs = [
        paths::reference(),
        paths::root().join("package-lock.json"),
        paths::root().join("README.md"),
        www.join("guide"),
        www.join("src"),
        www.join("tsconfig.json"),
    ];
    let name = format!("docs-{}", paths::shown(target).replace(['/', '\\'], "-"));
    // Its pages alone may be those that the demo has in their place.
    let made = target.join("assets").join("main.js");
    Stamp::new(&name, "", &inputs, &[made])?.unless_current(|| {
        step(
            "write the API reference",
            "it or what it is written of is new",
            || {
                let mut typedoc = npm::script("reference", "build");
                command::run(typedoc.arg("--").arg("--out").arg(target))
            },
        )
    })?;
    Ok(())
}
