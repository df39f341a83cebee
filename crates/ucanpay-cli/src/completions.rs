//! `ucanpay completions`: what a shell reads to complete this program's words.

use clap::CommandFactory as _;

use crate::{
    args::{Arguments, CompletionsArguments},
    outcome::Done,
};

pub(crate) fn completions(arguments: &CompletionsArguments) -> Done {
    let mut script = Vec::new();
    let mut command = Arguments::command();
    clap_complete::generate(arguments.shell, &mut command, "ucanpay", &mut script);
    Done::new(String::from_utf8_lossy(&script))
}
