//! The npm package: built into `www/dist`, packed into `www/plinthdb-VERSION.tgz`, unpacked where its tests import it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::bindings;
use crate::command;
use crate::npm;
use crate::paths;
use crate::stamp::Stamp;
use crate::step::{note, step};

/// The package's name on npm.
const NAME: &str = "plinthdb";

/// Prints `name bytes gzip brotli` of each file: Node has both compressors, this tool needs neither.
const SIZES_SCRIPT: &str = "
const { readFileSync } = require('node:fs');
const { gzipSync, brotliCompressSync } = require('node:zlib');
const { basename } = require('node:path');
for (const file of process.argv.slice(1)) {
  const bytes = readFileSync(file);
  const kb = (count) => (count / 1000).toFixed(1).padStart(8) + ' kB';
  const gzip = gzipSync(bytes, { level: 9 });
  console.log(`   ${basename(file).padEnd(24)}${kb(bytes.length)}   gzip${kb(gzip.length)}   brotli${kb(brotliCompressSync(bytes).length)}`);
}";

/// Brings `www/dist` up to date with `www/generated` and the sources around it.
pub(crate) fn build() -> Result<()> {
    let www = paths::www();
    let mut inputs = vec![
        paths::generated(),
        paths::root().join("tsconfig.base.json"),
        paths::root().join("package-lock.json"),
    ];
    inputs.extend(["src", "package.json", "tsconfig.json"].map(|name| www.join(name)));
    let made = www.join("dist");
    Stamp::new("www", "", &inputs, std::slice::from_ref(&made))?.unless_current(|| {
        step(
            "build the npm package",
            "the engine or the TypeScript around it is new",
            || {
                // The compiler leaves what it made of a source that is gone.
                remove(&made)?;
                command::run(&mut npm::script("www", "build"))
            },
        )
    })?;
    Ok(())
}

/// Prints how large what a browser loads is.
pub(crate) fn print_sizes() -> Result<()> {
    let wasm = bindings::wasm_file();
    let mut node = command::tool("node");
    command::run(
        node.args(["--eval", SIZES_SCRIPT, "--"])
            .arg(wasm.with_file_name("plinth_wasm.js"))
            .arg(&wasm),
    )
}

/// Packs the built package and answers the file.
pub(crate) fn pack() -> Result<PathBuf> {
    for old in packed()? {
        fs::remove_file(&old).with_context(|| format!("could not remove {}", paths::shown(&old)))?;
    }
    step(
        "pack the npm package",
        "its tests run on what a user installs",
        || {
            let mut npm = npm::npm();
            npm.args(["pack", "--silent"]).current_dir(paths::www());
            command::run(&mut npm)
        },
    )?;
    match packed()?.as_slice() {
        [file] => {
            note(&format!("packed: {}", paths::shown(file)));
            Ok(file.clone())
        }
        files => bail!(
            "npm pack was to leave one {NAME}-VERSION.tgz in www, and left {}",
            files.len()
        ),
    }
}

/// Unpacks the package to where the tests of `pkg-tests` find it before the workspace's link.
pub(crate) fn unpack(tarball: &Path) -> Result<()> {
    let installed = unpacked();
    step(
        "install the packed package for its tests",
        "they must not see the sources",
        || {
            remove(&installed)?;
            fs::create_dir_all(&installed)?;
            let mut tar = command::tool("tar");
            // npm packs everything below a folder `package`.
            command::run(
                tar.arg("-xzf")
                    .arg(tarball)
                    .args(["--strip-components", "1", "-C"])
                    .arg(&installed),
            )
        },
    )
}

/// The packed packages that lie in `www`.
pub(crate) fn packed() -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(paths::www())? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.starts_with(NAME) && name.ends_with(".tgz") {
            files.push(path);
        }
    }
    Ok(files)
}

/// Where `unpack` puts the package.
pub(crate) fn unpacked() -> PathBuf {
    paths::package_tests().join("node_modules").join(NAME)
}

/// Removes a file, a folder or a link (never what it leads to), if it is there.
pub(crate) fn remove(path: &Path) -> Result<()> {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    let removed = if metadata.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    removed.with_context(|| format!("could not remove {}", paths::shown(path)))
}
