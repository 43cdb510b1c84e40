//! Whether a step's result is still that of its inputs: a hash of the inputs, kept beside cargo's own output.
//!
//! Contents are hashed, not times: a fresh clone, a branch switched to and fro and a touched file cost nothing.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::paths;

/// The inputs of one step, as seen now.
pub(crate) struct Stamp {
    file: PathBuf,
    hash: String,
    /// What the step makes; a result that is gone is never up to date.
    outputs: Vec<PathBuf>,
}

impl Stamp {
    /// The step `name`, which depends on `settings` and on the contents of `inputs` (files, or folders with all that
    /// is in them except `node_modules`, `dist` and packed packages), and makes `outputs`.
    pub(crate) fn new(name: &str, settings: &str, inputs: &[PathBuf], outputs: &[PathBuf]) -> Result<Stamp> {
        let mut hasher = DefaultHasher::new();
        settings.hash(&mut hasher);
        for input in inputs {
            hash_path(input, &mut hasher)
                .with_context(|| format!("could not read {}", paths::shown(input)))?;
        }
        Ok(Stamp {
            file: paths::work().join(format!("{name}.stamp")),
            hash: format!("{:016x}", hasher.finish()),
            outputs: outputs.to_vec(),
        })
    }

    /// The same stamp, kept in `folder`: gone when the folder is, and shared by all target folders.
    pub(crate) fn kept_in(mut self, folder: &Path) -> Stamp {
        self.file = folder.join(".plinth-stamp");
        self
    }

    /// Whether the step last ran on these inputs and its results are still there.
    pub(crate) fn is_current(&self) -> bool {
        self.outputs.iter().all(|output| output.exists())
            && fs::read_to_string(&self.file).is_ok_and(|hash| hash == self.hash)
    }

    /// Records that the step has run on these inputs.
    pub(crate) fn write(&self) -> Result<()> {
        if let Some(folder) = self.file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&self.file, &self.hash)
            .with_context(|| format!("could not write {}", paths::shown(&self.file)))
    }

    /// Runs `work` unless it is up to date, and records that it ran.
    pub(crate) fn unless_current(&self, work: impl FnOnce() -> Result<()>) -> Result<bool> {
        if self.is_current() {
            return Ok(false);
        }
        work()?;
        self.write()?;
        Ok(true)
    }
}

fn hash_path(path: &Path, hasher: &mut DefaultHasher) -> Result<()> {
    path.file_name().hash(hasher);
    if !path.exists() {
        return Ok(());
    }
    if path.is_file() {
        fs::read(path)?.hash(hasher);
        return Ok(());
    }
    let mut entries = fs::read_dir(path)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    entries.sort();
    for entry in entries {
        let made = entry
            .file_name()
            .is_some_and(|name| name == "node_modules" || name == "dist")
            || entry.extension().is_some_and(|extension| extension == "tgz");
        if !made && !entry.is_symlink() {
            hash_path(&entry, hasher)?;
        }
    }
    Ok(())
}
