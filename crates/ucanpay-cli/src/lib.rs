//! The command line of the UCanPay suite: makes and compares keys, signs, verifies, and explains signatures that do not fit.
//!
//! The binary is `ucanpay`; this library is the same without a process around it, so that it can be tested. It needs
//! [`ucanpay_core`] alone: no network, no settings, no state.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | done: signed, verified, the keys belong together, explained |
//! | 1 | the answer is no: the message is refused, or the keys do not belong together |
//! | 2 | not done: wrong usage, or a file or a key that cannot be read or written |

mod args;
mod explain;
mod input;
mod keys;
mod outcome;
mod sign;
mod verify;

use std::{
    ffi::OsString,
    io::{ErrorKind, Read, Write},
};

use clap::Parser;

use crate::{
    args::{Arguments, Command},
    input::is_contents,
    outcome::{Done, Failure},
};

/// Runs one command line, program name included, and returns the exit code.
///
/// A reader that stops reading (`ucanpay … | head -1`) is no error: the exit code is that of the command.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    stdin: &mut dyn Read,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let outcome = match Arguments::try_parse_from(&arguments) {
        Ok(arguments) => execute(arguments.command, stdin),
        // The parser repeats what it does not understand, which must not be a key.
        Err(error)
            if error.use_stderr() && arguments.iter().any(|one| is_contents(one.as_ref())) =>
        {
            let text = "ucanpay: wrong usage: one of the arguments looks like a key or a message itself, so give a file that \
                        holds it; --help tells the rest\n";
            return say(stderr, text, 2);
        }
        Err(error) if error.use_stderr() => return say(stderr, &error.render().to_string(), 2),
        Err(help) => Ok(Done::new(help.render().to_string())),
    };
    match outcome {
        Ok(Done { text, code }) => match write(stdout, &text) {
            Ok(()) => code,
            Err(error) => {
                let text = format!("ucanpay: standard output cannot be written: {error}\n");
                say(stderr, &text, 2)
            }
        },
        Err(failure) => say(stderr, &format!("ucanpay: {failure}\n"), failure.code()),
    }
}

fn execute(command: Command, stdin: &mut dyn Read) -> Result<Done, Failure> {
    match command {
        Command::Key(command) => keys::execute(command),
        Command::Canonical(arguments) => sign::canonical(&arguments, stdin),
        Command::Sign(arguments) => sign::sign(&arguments, stdin),
        Command::Verify(arguments) => verify::verify(&arguments, stdin),
        Command::Explain(arguments) => explain::explain(&arguments, stdin),
    }
}

fn write(stdout: &mut dyn Write, text: &str) -> std::io::Result<()> {
    let written = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

fn say(stderr: &mut dyn Write, text: &str, code: u8) -> u8 {
    // Where nobody can be told, the exit code still tells.
    let _ = stderr.write_all(text.as_bytes());
    code
}
