//! Looks for inputs that break what comes first in contact with the outside: the targets of `fuzz/`, each for a while.
//!
//! It is no part of `cargo xtask test`, which has no time for it and no nightly; there the corpus is replayed.

use std::fs;
use std::num::NonZero;
use std::process::Command;
use std::thread;

use crate::args::Bound;
use crate::workspace::{self, Workspace, works};

/// Each target, and the corpus it begins with.
const TARGETS: [(&str, &str); 6] = [
    ("reader", "reader"),
    ("canonical", "reader"),
    ("envelope", "envelope"),
    ("explain", "envelope"),
    ("key", "key"),
    ("endpoint", "endpoint"),
];

/// Runs each target, stopping at the first that finds something.
pub(crate) fn run(workspace: &Workspace, bound: &Bound) -> Result<(), String> {
    if !works(nightly(workspace).args(["fuzz", "--version"])) {
        return Err(
            "cargo-fuzz on a nightly toolchain is missing: `rustup toolchain install nightly`, \
             then `cargo install cargo-fuzz --locked`. It also needs compilers of C and C++"
                .to_owned(),
        );
    }
    let bound = match bound {
        Bound::Seconds(seconds) => format!("-max_total_time={seconds}"),
        Bound::Runs(runs) => format!("-runs={runs}"),
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    for (target, corpus) in TARGETS {
        // What a run finds worth keeping goes there, and helps the next one; the corpus of the project stays as it is.
        let found = format!("fuzz/target/found/{target}");
        fs::create_dir_all(workspace.root().join(&found))
            .map_err(|error| format!("{found} cannot be made: {error}"))?;
        // No sanitizer: none of our code is unsafe, aws-lc is not what is looked at, and without one it tries several times
        // as many inputs. As many processes as the machine has cores share the corpus and the bound.
        let line = format!(
            "fuzz run --fuzz-dir fuzz --sanitizer none {target} {found} fuzz/corpus/{corpus} -- \
             {bound} -fork={cores} -timeout=10 -dict=fuzz/json.dict"
        );
        let shown = format!("cargo +nightly {line}");
        let mut command = nightly(workspace);
        command.args(line.split_whitespace());
        workspace::run(&shown, &mut command).map_err(|problem| {
            format!(
                "{problem}; an input that broke the property is in fuzz/artifacts/{target}. \
                 Once it is mended, the input belongs in fuzz/corpus/{corpus}, under a name that says what it is"
            )
        })?;
    }
    Ok(())
}

/// The `cargo` in the path, which rustup puts there: only that one knows what `+nightly` means.
fn nightly(workspace: &Workspace) -> Command {
    let mut command = Command::new("cargo");
    command.arg("+nightly").current_dir(workspace.root());
    command
}
