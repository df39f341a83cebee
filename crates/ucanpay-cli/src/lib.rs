//! The command line of the UCanPay suite: makes and compares keys, signs, verifies, explains signatures that do not fit,
//! and calls the gateway.
//!
//! The binary is `ucanpay`; this library is the same without a process around it. What has to do with keys and signatures
//! needs [`ucanpay_core`] alone: no network, no settings. The calls read the `UCANPAY_*` variables as a shop does, by
//! [`UcanpayAccount`], and go through its client. Nothing is kept. A sandbox that serves, alone, writes to the process's own output and
//! runs until it is interrupted.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | the answer is no: the message is refused, the keys do not belong together, the gateway refused |
//! | 2 | not done: wrong usage, or a file, key or setting that cannot be used |
//! | 3 | outcome unknown: a call may have had its effect; query before anything else |
//! | 4 | nothing happened, and it may go well later: not reached, limited, blocked or busy |

mod args;
mod completions;
mod doctor;
mod ending;
mod explain;
mod gateway;
mod http;
mod input;
mod keys;
mod link;
mod notice;
mod notify;
mod order;
mod outcome;
mod probe;
mod qr;
mod refund;
mod report;
mod sandbox;
mod sign;
mod spoil;
mod style;
mod tls;
mod verify;

use std::{
    ffi::OsString,
    io::{ErrorKind, Read, Write},
};

use clap::Parser;
use ucanpay_storefront::UcanpayAccount;

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
        Ok(arguments) => execute(arguments.command, stdin, stderr),
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

fn execute(
    command: Command,
    stdin: &mut dyn Read,
    stderr: &mut dyn Write,
) -> Result<Done, Failure> {
    let account = UcanpayAccount::from_env();
    match command {
        Command::Key(command) => keys::execute(command),
        Command::Canonical(arguments) => sign::canonical(&arguments, stdin),
        Command::Sign(arguments) => sign::sign(&arguments, stdin),
        Command::Verify(arguments) => verify::verify(&arguments, stdin),
        Command::Explain(arguments) => explain::explain(&arguments, stdin),
        Command::Order(command) => order::execute(&command, &account, stderr),
        Command::Refund(command) => refund::execute(&command, &account),
        Command::Link(arguments) => link::link(&arguments, &account),
        Command::Qr(arguments) => qr::qr(&arguments, stdin),
        Command::Sandbox(command) => sandbox::execute(command, &account),
        Command::Notify(arguments) => notify::notify(&arguments, &account),
        Command::Probe(arguments) => probe::probe(&arguments, &account, stderr),
        Command::Doctor(arguments) => doctor::doctor(&arguments, &account),
        Command::Completions(arguments) => Ok(completions::completions(&arguments)),
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
