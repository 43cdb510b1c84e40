//! `cargo xtask demo`: the built demo page on a loopback port, until Ctrl-C.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::command;
use crate::docs;
use crate::kit::Kit;
use crate::npm;
use crate::paths;
use crate::stamp::Stamp;
use crate::step::step;

/// The port that is taken when it is free.
const USUAL_PORT: u16 = 4173;
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Builds what is not up to date, serves, and returns after Ctrl-C.
pub(crate) fn run(port: Option<u16>) -> Result<()> {
    let kit = Kit::default();
    kit.built()?;
    kit.simulator()?;
    build()?;
    let port = free_port(port)?;
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    ctrlc::set_handler(move || flag.store(true, Ordering::SeqCst)).context("could not listen for Ctrl-C")?;
    let mut server = Server::start(port)?;
    server.wait_until_it_answers(port, &interrupted)?;
    println!("\n   The demo is at http://127.0.0.1:{port}/ until Ctrl-C.");
    while !interrupted.load(Ordering::SeqCst) {
        if let Some(status) = server.child.try_wait()? {
            bail!("the server ended by itself: {status}");
        }
        thread::sleep(POLL_INTERVAL);
    }
    println!("\n   The demo has ended.");
    Ok(())
}

/// Brings `demo/dist` up to date.
fn build() -> Result<()> {
    let inputs = [
        paths::demo(),
        // A panel runs the benchmark.
        paths::bench(),
        paths::www().join("package.json"),
        paths::www().join("dist"),
        paths::root().join("package-lock.json"),
    ];
    let made = paths::demo().join("dist");
    Stamp::new("demo", "", &inputs, std::slice::from_ref(&made))?.unless_current(|| {
        step("build the demo page", "it or the package it shows is new", || {
            command::run(&mut npm::script("demo", "build"))
        })
    })?;
    // Building the page leaves only what stands in for it.
    docs::build(&made.join("reference"))
}

/// The port `wanted`; without a wish the usual one, or any that is free.
fn free_port(wanted: Option<u16>) -> Result<u16> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let listener = match wanted {
        Some(port) => bind(port).with_context(|| format!("port {port} is not free"))?,
        None => bind(USUAL_PORT)
            .or_else(|_| bind(0))
            .context("no free port on 127.0.0.1")?,
    };
    Ok(listener.local_addr()?.port())
}

/// The server and the processes it starts; all end with this.
struct Server {
    child: Child,
}

impl Server {
    fn start(port: u16) -> Result<Server> {
        let mut command = npm::script("demo", "preview");
        command.args(["--", "--strictPort", "--port", &port.to_string()]);
        own_group(&mut command);
        let child = command.spawn().context("could not start the server")?;
        Ok(Server { child })
    }

    fn wait_until_it_answers(&mut self, port: u16, interrupted: &AtomicBool) -> Result<()> {
        let begin = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server did not start: {status}");
            }
            if begin.elapsed() > ANSWER_LIMIT || interrupted.load(Ordering::SeqCst) {
                bail!("the server did not answer on port {port}");
            }
            thread::sleep(POLL_INTERVAL);
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end_group(&mut self.child);
        // Fails only if it has been waited for already.
        let _ = self.child.wait();
    }
}

/// npm, its shell and the server it starts become a process group, so that they can be ended together.
#[cfg(unix)]
fn own_group(command: &mut std::process::Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(unix)]
fn end_group(child: &mut Child) {
    use nix::sys::signal::{Signal, killpg};
    use nix::unistd::Pid;
    if let Ok(id) = i32::try_from(child.id()) {
        // Fails only if the whole group has ended.
        let _ = killpg(Pid::from_raw(id), Signal::SIGTERM);
    }
}

#[cfg(not(unix))]
fn own_group(_: &mut std::process::Command) {}

#[cfg(not(unix))]
fn end_group(child: &mut Child) {
    let _ = child.kill();
}
