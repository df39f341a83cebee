//! Takes each defence away and looks whether a test misses it: `tests/defences.toml` says what to change, and which test must
//! fail. A test that passes all the same proves nothing, and is reported.
//!
//! It happens in a copy of the project under `target/`, with build results of its own: never here.

pub(crate) mod copy;
mod list;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::workspace::{self, Workspace};
use list::Defence;

/// Where the copy lies, with what is built of it, and what its tests print.
const FOLDER: &str = "target/defences";

/// A test that has not ended by then is ended, and counts as one that failed: what is missing can make it wait for ever.
const LIMIT: Duration = Duration::from_secs(300);

/// Tries each defence whose name contains `only`, or whose test is in the package of that name, and fails unless each is
/// missed by its test.
pub(crate) fn run(workspace: &Workspace, only: Option<&str>) -> Result<(), String> {
    let mut defences = list::read(workspace.root())?;
    defences.retain(|defence| {
        only.is_none_or(|only| defence.name.contains(only) || defence.package == only)
    });
    if defences.is_empty() {
        return Err("no defence of tests/defences.toml has such a name or package".to_owned());
    }
    let copy = Copy::new(workspace)?;
    copy.assert_passing(&defences)?;
    let mut unmissed = Vec::new();
    for (index, defence) in defences.iter().enumerate() {
        println!("\n== {}: {}", defence.name, defence.removed);
        let begun = Instant::now();
        let verdict = copy.try_without(defence)?;
        println!(
            "{}/{}: {verdict}, {:.0} s",
            index + 1,
            defences.len(),
            begun.elapsed().as_secs_f64()
        );
        if verdict != Verdict::Missed {
            unmissed.push(format!("  {}: {verdict}", defence.name));
        }
    }
    let missed = defences.len() - unmissed.len();
    println!(
        "\n{missed} of {} defences are missed by their test when they are removed",
        defences.len()
    );
    if unmissed.is_empty() {
        return Ok(());
    }
    Err(format!("not missed:\n{}", unmissed.join("\n")))
}

/// What became of the test.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It failed, as it must.
    Missed,
    /// The patch is no Rust any more: it says nothing about the test.
    NoBuild,
    /// It passed, or it is not there.
    Unnoticed,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Missed => "missed, the test fails",
            Self::NoBuild => "the patch does not compile",
            Self::Unnoticed => "UNNOTICED, the test does not fail",
        })
    }
}

/// The copy of the project, as it is before and after each patch.
struct Copy<'a> {
    workspace: &'a Workspace,
    tree: PathBuf,
}

impl<'a> Copy<'a> {
    fn new(workspace: &'a Workspace) -> Result<Self, String> {
        let tree = workspace.root().join(FOLDER).join("tree");
        copy::refresh(workspace.root(), &tree)?;
        Ok(Self { workspace, tree })
    }

    /// With nothing removed each of the tests passes: otherwise its failure would prove nothing.
    fn assert_passing(&self, defences: &[Defence]) -> Result<(), String> {
        let mut binaries: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for defence in defences {
            let tests = binaries
                .entry((&defence.package, &defence.target))
                .or_default();
            if !tests.contains(&defence.test.as_str()) {
                tests.push(&defence.test);
            }
        }
        for ((package, target), tests) in binaries {
            println!("\n== nothing removed: {} of {package}'s tests", tests.len());
            if !self.build(package, target)? {
                return Err("the copy does not compile; nothing was removed yet".to_owned());
            }
            let printed = self.test(package, target, &tests)?;
            for test in tests {
                if !printed.contains(&format!("test {test} ... ok")) {
                    return Err(format!(
                        "{package}'s test {test} does not pass with nothing removed, or is not there; what it printed is \
                         in {FOLDER}/printed"
                    ));
                }
            }
        }
        Ok(())
    }

    fn try_without(&self, defence: &Defence) -> Result<Verdict, String> {
        defence.remove(&self.tree)?;
        let verdict = if self.build(&defence.package, &defence.target)? {
            let printed = self.test(&defence.package, &defence.target, &[&defence.test])?;
            let ran = printed.contains("\nrunning 1 test\n");
            let passed = printed.contains(&format!("test {} ... ok", defence.test));
            if ran && !passed {
                Verdict::Missed
            } else {
                Verdict::Unnoticed
            }
        } else {
            Verdict::NoBuild
        };
        copy::refresh(self.workspace.root(), &self.tree)?;
        Ok(verdict)
    }

    /// Whether it compiles. What the compiler has to say is only shown if not: a patch leaves things unused behind.
    fn build(&self, package: &str, target: &str) -> Result<bool, String> {
        let built = self
            .cargo(package, target)
            .args(["--quiet", "--no-run"])
            .output()
            .map_err(|error| format!("cargo could not be started: {error}"))?;
        if !built.status.success() {
            println!("{}", String::from_utf8_lossy(&built.stderr));
        }
        Ok(built.status.success())
    }

    /// Runs these tests, and returns what they print.
    fn test(&self, package: &str, target: &str, tests: &[&str]) -> Result<String, String> {
        let printed = self.workspace.root().join(FOLDER).join("printed");
        let run = || -> io::Result<String> {
            let file = fs::File::create(&printed)?;
            let mut command = self.cargo(package, target);
            command
                .args(["--", "--include-ignored", "--exact"])
                .args(tests)
                .stdin(Stdio::null())
                .stdout(file.try_clone()?)
                .stderr(file)
                // With its children in a group, to be ended together.
                .process_group(0);
            wait(command.spawn()?)?;
            Ok(String::from_utf8_lossy(&fs::read(&printed)?).into_owned())
        };
        run().map_err(|error| format!("the tests could not be run: {error}"))
    }

    fn cargo(&self, package: &str, target: &str) -> Command {
        let target = match target {
            "lib" => "--lib".to_owned(),
            name => format!("--test {name}"),
        };
        let mut command = self
            .workspace
            .cargo(&format!("test -p {package} --all-features {target}"));
        command.current_dir(&self.tree).env(
            "CARGO_TARGET_DIR",
            self.workspace.root().join(FOLDER).join("built"),
        );
        command
    }
}

/// Waits for the end of a command, and makes one after [`LIMIT`].
fn wait(mut child: Child) -> io::Result<()> {
    let begun = Instant::now();
    while child.try_wait()?.is_none() {
        if begun.elapsed() > LIMIT {
            println!("no end after {} s", LIMIT.as_secs());
            workspace::works(Command::new("kill").args([
                "-KILL",
                "--",
                &format!("-{}", child.id()),
            ]));
            child.wait()?;
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// A path as it is written in messages.
fn shown(path: &Path) -> String {
    path.display().to_string()
}
