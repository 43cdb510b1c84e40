//! Debian's package manager, where it can be used without asking: as root, or by sudo without a password.
//!
//! Installs exactly the packages it is given (and what they depend on), never removes one.

use std::env;
use std::process::{Command, Stdio};

use anyhow::Result;

use crate::command;
use crate::step::step;

/// A way to run `apt-get` with the rights to install.
pub(crate) struct Apt {
    sudo: bool,
}

impl Apt {
    /// The package manager, if this machine has it and lets us use it.
    pub(crate) fn find() -> Option<Apt> {
        on_path("apt-get")?;
        if is_root() {
            return Some(Apt { sudo: false });
        }
        on_path("sudo")?;
        let mut probe = command::tool("sudo");
        probe
            .args(["-n", "true"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        probe
            .status()
            .is_ok_and(|status| status.success())
            .then_some(Apt { sudo: true })
    }

    /// Installs `packages` by name.
    pub(crate) fn install(&self, packages: &[&str], why: &str) -> Result<()> {
        step(
            &format!("install the Debian packages {}", packages.join(" ")),
            why,
            || {
                // Old lists name files that the archive no longer has.
                command::run(self.apt_get().args(["-qq", "update"]))?;
                command::run(
                    self.apt_get()
                        .args(["-qq", "install", "-y", "--no-install-recommends", "--no-remove"])
                        .args(["-o", "Dpkg::Use-Pty=0"])
                        .args(packages),
                )
            },
        )
    }

    fn apt_get(&self) -> Command {
        let mut command = if self.sudo {
            let mut sudo = command::tool("sudo");
            sudo.args(["-n", "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
            sudo
        } else {
            let mut apt_get = command::tool("apt-get");
            apt_get.env("DEBIAN_FRONTEND", "noninteractive");
            apt_get
        };
        // Another installation may be under way.
        command
            .args(["-o", "DPkg::Lock::Timeout=300"])
            .stdin(Stdio::null());
        command
    }
}

/// The full path of a program that `PATH` leads to.
pub(crate) fn on_path(program: &str) -> Option<std::path::PathBuf> {
    let name = format!("{program}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(&name))
        .find(|path| path.is_file())
}

#[cfg(unix)]
fn is_root() -> bool {
    nix::unistd::Uid::effective().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}
