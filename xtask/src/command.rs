//! Child processes: made with a clean environment, run to their end, and named in full when they fail.
//!
//! `cargo run` leaves variables behind that describe the xtask package; a second cargo, above all one of another
//! toolchain, would be misled by them, so every child starts without.

use std::env;
use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// How long output is waited for after the end of the process that was started.
const LAST_LINES_LIMIT: Duration = Duration::from_secs(2);

/// A command in the repository's root, without what `cargo run` put into the environment.
pub(crate) fn tool(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(crate::paths::root());
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let of_this_package = text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_");
        if of_this_package || text == "CARGO" || text == "CARGO_PRIMARY_PACKAGE" || text == "OUT_DIR" {
            command.env_remove(&name);
        }
    }
    command
}

/// The cargo that runs this tool, hence the user's own choice of toolchain.
pub(crate) fn cargo() -> Command {
    tool(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs to the end with the terminal's own input and output.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("could not start `{}`", line(command)))?;
    ended_well(command, status)
}

/// Runs to the end and answers what it wrote to standard output, trimmed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("could not start `{}`", line(command)))?;
    if !output.status.success() {
        bail!(
            "`{}`: {}\n{}",
            line(command),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs to the end, shows every line as it comes, hands each to `see` without colours, and answers whether it ended
/// well.
pub(crate) fn run_seen(command: &mut Command, mut see: impl FnMut(&str)) -> Result<bool> {
    if io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none() {
        command.env("CARGO_TERM_COLOR", "always").env("FORCE_COLOR", "1");
    }
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("could not start `{}`", line(command)))?;
    let (sender, lines) = mpsc::channel();
    if let Some(pipe) = child.stdout.take() {
        forward(pipe, io::stdout(), sender.clone());
    }
    if let Some(pipe) = child.stderr.take() {
        forward(pipe, io::stderr(), sender);
    }
    // A browser that outlives its test holds the pipes open; its lines are not waited for.
    let mut ended: Option<(ExitStatus, Instant)> = None;
    loop {
        match lines.recv_timeout(POLL_INTERVAL) {
            Ok(line) => see(&line),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {}
        }
        match ended {
            Some((_, at)) if at.elapsed() > LAST_LINES_LIMIT => break,
            Some(_) => {}
            None => ended = child.try_wait()?.map(|status| (status, Instant::now())),
        }
    }
    match ended {
        Some((status, _)) => Ok(status.success()),
        None => Ok(child
            .wait()
            .with_context(|| format!("could not wait for `{}`", line(command)))?
            .success()),
    }
}

/// Runs for at most `limit`; a command that takes longer is ended, and that is an error.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> Result<()> {
    let mut child = command
        .spawn()
        .with_context(|| format!("could not start `{}`", line(command)))?;
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return ended_well(command, status);
        }
        if begin.elapsed() > limit {
            end(&mut child);
            bail!(
                "`{}` took longer than {}",
                line(command),
                crate::step::seconds(limit)
            );
        }
        thread::sleep(POLL_INTERVAL);
    }
}

/// The command as a person would type it, without the folder of its program.
pub(crate) fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut words = vec![
        program
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
    ];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

/// The text without terminal colours.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(char) = rest.next() {
        if char == '\u{1b}' {
            // A control sequence ends with its first letter.
            for inner in rest.by_ref() {
                if inner.is_ascii_alphabetic() {
                    break;
                }
            }
        } else if char != '\r' {
            plain.push(char);
        }
    }
    plain
}

fn ended_well(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("`{}`: {status}", line(command));
    }
    Ok(())
}

fn end(child: &mut Child) {
    // Both fail only when it ended by itself in the meantime.
    let _ = child.kill();
    let _ = child.wait();
}

fn forward(
    pipe: impl Read + Send + 'static,
    mut terminal: impl Write + Send + 'static,
    lines: mpsc::Sender<String>,
) {
    thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
            // A closed terminal must not stop the count of tests.
            let _ = terminal.write_all(&bytes);
            let _ = terminal.flush();
            let _ = lines.send(plain(String::from_utf8_lossy(&bytes).trim_end()));
            bytes.clear();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_removed() {
        assert_eq!(
            plain("\u{1b}[32;1m     Summary\u{1b}[0m 3 tests\r"),
            "     Summary 3 tests"
        );
    }
}
