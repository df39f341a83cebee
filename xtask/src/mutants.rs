//! Tests the tests: breaks the ledger in one way after the other, and looks whether the histories find it, or the test that
//! stands beside it.
//!
//! The mutants stand in `tests/mutants.toml`. All of them are applied to one copy of the project, each behind a switch that
//! the environment sets, so that the copy is built once. The project itself knows nothing of them.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::defences::copy;
use crate::workspace::{self, Workspace};

const LIST: &str = "tests/mutants.toml";

/// Where the copy lies, with what is built of it.
const FOLDER: &str = "target/mutants";

/// The test that plays the histories.
const SIMULATION: &str = "simulation::after_any_history_the_ledger_agrees_with_the_gateway";

/// How many histories a mutant has to survive, and where another number is set.
const HISTORIES: u32 = 200;
const HOW_MANY: &str = "UCANPAY_PROVE_HISTORIES";

/// What the copy is told by: the name of the mutant that is switched on.
const SWITCH: &str = "UCANPAY_MUTANT";

/// The crate that the mutants stand in, and what it then asks.
const CRATE: &str = "crates/ucanpay-storefront/src/lib.rs";
const ASK: &str = r#"
/// Whether this mutant is switched on.
pub(crate) fn mutant(name: &str) -> bool {
    static ON: std::sync::LazyLock<Option<String>> =
        std::sync::LazyLock::new(|| std::env::var("UCANPAY_MUTANT").ok());
    ON.as_deref() == Some(name)
}
"#;

/// One way to break the ledger.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutant {
    name: String,
    /// Where the histories hardly can find it.
    elsewhere: Option<Elsewhere>,
    file: String,
    search: String,
    replace: String,
}

/// The test of `ucanpay-storefront` that finds a mutant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Elsewhere {
    /// Its whole name in the binary `it`.
    test: String,
    /// Why the histories hardly find it.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for readers, and for the test below")
    )]
    why: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    mutant: Vec<Mutant>,
}

/// Plays the histories with each mutant, and asks the test beside it about one that they do not find. Fails if one was not
/// found.
pub(crate) fn run(workspace: &Workspace, only: Option<&str>) -> Result<(), String> {
    let histories = match env::var(HOW_MANY) {
        Ok(number) => number
            .parse()
            .map_err(|_| format!("{HOW_MANY} is {number:?}, and no number"))?,
        Err(_) => HISTORIES,
    };
    let mut mutants = read(workspace.root())?;
    let tree = workspace.root().join(FOLDER).join("tree");
    copy::refresh(workspace.root(), &tree)?;
    for mutant in &mutants {
        mutant.apply(&tree)?;
    }
    edit(&tree.join(CRATE), |text| Ok(text + ASK))?;
    let programs = Programs::build(workspace, &tree, histories)?;
    mutants.retain(|mutant| only.is_none_or(|only| mutant.name.contains(only)));
    if mutants.is_empty() {
        return Err(format!("no mutant of {LIST} has such a name"));
    }

    match programs.play("")? {
        Found::Nothing => println!("without a mutant {histories} histories find nothing"),
        found @ Found::Seed(..) => {
            return Err(format!("without a mutant the histories fail: {found:?}"));
        }
    }
    let (mut found, mut elsewhere) = (0, 0);
    for mutant in &mutants {
        let name = &mutant.name;
        match (programs.play(name)?, &mutant.elsewhere) {
            (Found::Seed(seed, law), _) => {
                found += 1;
                println!("found by history {seed:>3}: {name}; {law}");
            }
            (Found::Nothing, Some(Elsewhere { test, .. })) if programs.misses(test, name)? => {
                elsewhere += 1;
                println!("found by a test: {name}; {test}");
            }
            (Found::Nothing, _) => println!("NOT FOUND: {name}"),
        }
    }
    let all = mutants.len();
    println!(
        "proved: mutants by_histories={found} by_a_test={elsewhere} of={all} histories={histories}"
    );
    match all - found - elsewhere {
        0 => Ok(()),
        left => Err(format!("{left} of {all} mutants were not found")),
    }
}

/// What is built of the copy.
struct Programs {
    tree: PathBuf,
    /// The histories.
    simulation: String,
    histories: u32,
    /// The storefront's own tests.
    storefront: String,
}

impl Programs {
    fn build(workspace: &Workspace, tree: &Path, histories: u32) -> Result<Self, String> {
        let line = "test -p ucanpay-tests -p ucanpay-storefront --all-features --test it --no-run \
                    --message-format json";
        let mut command = workspace.cargo(line);
        let built = workspace.root().join(FOLDER).join("built");
        command.current_dir(tree).env("CARGO_TARGET_DIR", built);
        let told = workspace::output(&format!("cargo {line}"), &mut command)?;
        Ok(Self {
            tree: tree.to_owned(),
            simulation: program(&told, "/tests/tests/it/main.rs")?,
            histories,
            storefront: program(&told, "/ucanpay-storefront/tests/it/main.rs")?,
        })
    }

    /// The histories with this mutant switched on; with none, if it has no name.
    fn play(&self, mutant: &str) -> Result<Found, String> {
        let (passed, told) = self.test(&self.simulation, "tests", SIMULATION, mutant)?;
        Ok(Found::of(passed, &told))
    }

    /// Whether the test passes as it is, and fails with this mutant switched on.
    fn misses(&self, test: &str, mutant: &str) -> Result<bool, String> {
        let run = |mutant| self.test(&self.storefront, "crates/ucanpay-storefront", test, mutant);
        let (passed, told) = run("")?;
        if !passed || !told.contains(&format!("test {test} ... ok")) {
            return Err(format!(
                "without a mutant {test} does not pass, or is no test of ucanpay-storefront:\n{told}"
            ));
        }
        Ok(!run(mutant)?.0)
    }

    /// Whether the test passes, and what it tells.
    fn test(
        &self,
        program: &str,
        folder: &str,
        test: &str,
        mutant: &str,
    ) -> Result<(bool, String), String> {
        let output = Command::new(program)
            .args([test, "--exact", "--include-ignored"])
            .current_dir(self.tree.join(folder))
            .env(HOW_MANY, self.histories.to_string())
            .env(SWITCH, mutant)
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("{program} could not be started: {error}"))?;
        let told = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        Ok((output.status.success(), told))
    }
}

/// The test program that cargo tells to have built from this file.
fn program(told: &str, main: &str) -> Result<String, String> {
    let main = format!("{main}\"");
    told.lines()
        .filter(|line| line.contains(&main))
        .filter_map(|line| line.split_once("\"executable\":\""))
        .filter_map(|(_, rest)| rest.split_once('"'))
        .map(|(program, _)| program.to_owned())
        .next()
        .ok_or_else(|| format!("cargo names no test program of {main}"))
}

/// What became of a mutant.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// By the history of this seed, and by which law.
    Seed(String, String),
    Nothing,
}

impl Found {
    fn of(passed: bool, told: &str) -> Self {
        if passed {
            return Self::Nothing;
        }
        let after = |word: &str| told.split_once(word).map_or("", |(_, rest)| rest);
        let seed = after("UCANPAY_SEED=").split_whitespace().next();
        let law = after("\nBROKEN ").lines().next().unwrap_or_default();
        let how = match law {
            "" => "at its end",
            law => law,
        };
        Self::Seed(seed.unwrap_or("none").to_owned(), how.to_owned())
    }
}

fn read(root: &Path) -> Result<Vec<Mutant>, String> {
    let text = fs::read_to_string(root.join(LIST))
        .map_err(|error| format!("{LIST} cannot be read: {error}"))?;
    let list: List = toml::from_str(&text).map_err(|error| format!("{LIST}: {error}"))?;
    Ok(list.mutant)
}

impl Mutant {
    /// Puts it into the project that lies at `tree`, switched off.
    fn apply(&self, tree: &Path) -> Result<(), String> {
        edit(&tree.join(&self.file), |text| self.put_into(&text))
    }

    fn put_into(&self, text: &str) -> Result<String, String> {
        let Self { name, file, .. } = self;
        if text.matches(&self.search).count() != 1 {
            return Err(format!(
                "the mutant {name:?} no longer applies: what it searches for does not stand exactly once in {file}"
            ));
        }
        let switch = format!("crate::mutant({name:?})");
        let replace = self.replace.replace("MUTANT", &switch);
        Ok(text.replacen(&self.search, &replace, 1))
    }
}

fn edit(file: &Path, with: impl FnOnce(String) -> Result<String, String>) -> Result<(), String> {
    let told = |error: std::io::Error| format!("{}: {error}", file.display());
    let text = fs::read_to_string(file).map_err(told)?;
    fs::write(file, with(text)?).map_err(told)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn each_mutant_still_finds_its_text_once_beside_the_others() {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let (mut texts, mut names) = (BTreeMap::new(), Vec::new());
        for mutant in read(root).unwrap() {
            let file = root.join(&mutant.file);
            let text = texts.entry(file.clone());
            let text = text.or_insert_with(|| fs::read_to_string(file).unwrap());
            *text = mutant.put_into(text).unwrap();
            assert!(mutant.replace.contains("MUTANT"), "{}", mutant.name);
            assert!(
                !names.contains(&mutant.name),
                "{} stands twice",
                mutant.name
            );
            names.push(mutant.name);
            if let Some(Elsewhere { test, why }) = mutant.elsewhere {
                let (file, name) = test.split_once("::").unwrap();
                let file = format!("crates/ucanpay-storefront/tests/it/{file}.rs");
                let text = fs::read_to_string(root.join(file)).unwrap();
                let name = format!("fn {name}(");
                assert!(text.contains(&name) && !why.is_empty(), "{test}");
            }
        }
    }

    #[test]
    fn the_program_of_a_crate_is_read_from_what_cargo_tells() {
        let told = r#"{"target":{"name":"it","src_path":"/x/tests/tests/it/main.rs"},"executable":"/b/it-1"}
{"target":{"name":"it","src_path":"/x/crates/ucanpay-storefront/tests/it/main.rs"},"executable":"/b/it-2"}"#;
        assert_eq!(program(told, "/tests/tests/it/main.rs").unwrap(), "/b/it-1");
        let storefront = program(told, "/ucanpay-storefront/tests/it/main.rs");
        assert_eq!(storefront.unwrap(), "/b/it-2");
        assert!(program("", "/tests/it/main.rs").is_err());
    }

    #[test]
    fn what_found_a_mutant_is_read_from_what_the_histories_tell() {
        let told =
            "history\nBROKEN 9: the sum\nhistory 3 ends badly: UCANPAY_SEED=3 plays it again";
        let found = Found::Seed("3".into(), "9: the sum".into());
        assert_eq!(Found::of(false, told), found);
        assert_eq!(Found::of(true, told), Found::Nothing);
    }
}
