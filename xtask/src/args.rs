//! What was asked for on the command line.

pub(crate) const HELP: &str = "\
The project's own commands.

  cargo xtask test                every check, stopping at the first that fails
  cargo xtask test --no-install   the same; what is missing on this machine is named, not installed
  cargo xtask fuzz                looks for inputs that break a reader of messages, a minute for each (nightly)
  cargo xtask fuzz --seconds N    the same, for N seconds each
  cargo xtask fuzz --runs N       the same, N inputs each
  cargo xtask prove               the long proofs, which take hours; ends with a table of their figures
  cargo xtask prove --quick       the same at small sizes, to try the command
  cargo xtask prove --only X      the same, for those whose name contains X; after --quick, too
  cargo xtask defences            removes each defence in a copy of the project, and sees its test fail
  cargo xtask defences --only X   the same, for those whose name contains X, or of package X
  cargo xtask mutants             breaks the ledger in each of many ways, and sees the histories find it
  cargo xtask mutants --only X    the same, for the ways whose name contains X
  cargo xtask bench               every benchmark beside its yardstick; writes docs/performance/
  cargo xtask bench --only X      those whose command contains X; writes nothing
  cargo xtask book                makes the guides into a book for a browser, with mdbook: target/book/
  cargo xtask help                this text

`cargo test --workspace` runs the tests alone, and lists those it left out and why.";

/// One command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Help,
    Test {
        install: bool,
    },
    /// For how long each target runs.
    Fuzz(Bound),
    /// Those whose name contains `only`, or all.
    Prove {
        quick: bool,
        only: Option<String>,
    },
    /// Those whose name contains this or that are of this package, or all.
    Defences {
        only: Option<String>,
    },
    /// Likewise.
    Mutants {
        only: Option<String>,
    },
    Book,
    /// Those whose command contains this, or all.
    Bench {
        only: Option<String>,
    },
}

/// What ends the run of a fuzz target. Never 0, for which a fuzzer runs for ever.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    Seconds(u32),
    /// How many inputs are tried.
    Runs(u32),
}

/// Reads the words behind `cargo xtask`.
pub(crate) fn read(words: impl IntoIterator<Item = String>) -> Result<Task, String> {
    let words: Vec<String> = words.into_iter().collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => Err("no command is given".to_owned()),
        ["help" | "--help" | "-h"]
        | [
            "test" | "fuzz" | "prove" | "defences" | "mutants" | "bench" | "book",
            "--help" | "-h",
        ] => Ok(Task::Help),
        ["test"] => Ok(Task::Test { install: true }),
        ["test", "--no-install"] => Ok(Task::Test { install: false }),
        ["test", word, ..] => Err(format!("`test` does not know {word:?}")),
        ["book"] => Ok(Task::Book),
        ["book", word, ..] => Err(format!("`book` does not know {word:?}")),
        ["fuzz"] => Ok(Task::Fuzz(Bound::Seconds(60))),
        ["fuzz", flag @ ("--seconds" | "--runs")] => Err(format!("`{flag}` needs a number")),
        ["fuzz", "--seconds", number] => number_of("seconds", number)
            .map(Bound::Seconds)
            .map(Task::Fuzz),
        ["fuzz", "--runs", number] => number_of("runs", number).map(Bound::Runs).map(Task::Fuzz),
        ["fuzz", "--seconds" | "--runs", _, word, ..] | ["fuzz", word, ..] => {
            Err(format!("`fuzz` does not know {word:?}"))
        }
        ["prove", "--quick", rest @ ..] => prove(true, rest),
        ["prove", rest @ ..] => prove(false, rest),
        [task @ ("defences" | "mutants" | "bench"), rest @ ..] => {
            let only = match rest {
                [] => None,
                ["--only"] => return Err("`--only` needs a part of a name".to_owned()),
                ["--only", part] => Some((*part).to_owned()),
                ["--only", _, word, ..] | [word, ..] => {
                    return Err(format!("`{task}` does not know {word:?}"));
                }
            };
            Ok(match *task {
                "defences" => Task::Defences { only },
                "mutants" => Task::Mutants { only },
                _ => Task::Bench { only },
            })
        }
        [word, ..] => Err(format!("there is no command {word:?}")),
    }
}

fn prove(quick: bool, words: &[&str]) -> Result<Task, String> {
    match words {
        [] => Ok(Task::Prove { quick, only: None }),
        ["--only"] => Err("`--only` needs a part of a name".to_owned()),
        ["--only", part] => Ok(Task::Prove {
            quick,
            only: Some((*part).to_owned()),
        }),
        ["--only", _, word, ..] | [word, ..] => Err(format!("`prove` does not know {word:?}")),
    }
}

fn number_of(what: &str, number: &str) -> Result<u32, String> {
    match number.parse() {
        Ok(number @ 1..) => Ok(number),
        Ok(0) | Err(_) => Err(format!("{number:?} is not a number of {what} from 1 on")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Result<Task, String> {
        read(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn test_installs_unless_told_otherwise() {
        assert_eq!(words("test"), Ok(Task::Test { install: true }));
        assert_eq!(
            words("test --no-install"),
            Ok(Task::Test { install: false })
        );
    }

    #[test]
    fn fuzz_takes_a_minute_unless_told_otherwise_and_never_no_time() {
        let bound = |line| match words(line) {
            Ok(Task::Fuzz(bound)) => bound,
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(bound("fuzz"), Bound::Seconds(60));
        assert_eq!(bound("fuzz --seconds 5"), Bound::Seconds(5));
        assert_eq!(bound("fuzz --runs 10000000"), Bound::Runs(10_000_000));
        for line in [
            "fuzz --seconds",
            "fuzz --seconds 0",
            "fuzz --seconds -1",
            "fuzz --runs",
            "fuzz --runs 0",
        ] {
            assert!(words(line).is_err(), "{line}");
        }
    }

    #[test]
    fn defences_are_all_removed_unless_some_are_named() {
        assert_eq!(words("defences"), Ok(Task::Defences { only: None }));
        let only = Some("replay".to_owned());
        assert_eq!(words("defences --only replay"), Ok(Task::Defences { only }));
        assert!(words("defences --only").is_err());
    }

    #[test]
    fn prove_takes_its_time_unless_told_otherwise() {
        let task = |quick, only: Option<&str>| {
            let only = only.map(str::to_owned);
            Ok(Task::Prove { quick, only })
        };
        assert_eq!(words("prove"), task(false, None));
        assert_eq!(words("prove --quick"), task(true, None));
        assert_eq!(words("prove --only kills"), task(false, Some("kills")));
        assert_eq!(
            words("prove --quick --only kills"),
            task(true, Some("kills"))
        );
        for line in ["prove --only", "prove fast", "prove --quick fast"] {
            assert!(words(line).is_err(), "{line}");
        }
    }

    #[test]
    fn help_is_found_where_people_look_for_it() {
        for line in [
            "help",
            "--help",
            "-h",
            "test --help",
            "fuzz -h",
            "defences -h",
        ] {
            assert_eq!(words(line), Ok(Task::Help), "{line}");
        }
    }

    #[test]
    fn a_word_that_is_not_known_is_named() {
        assert!(words("").is_err());
        for (line, word) in [
            ("tset", "tset"),
            ("test --fast", "--fast"),
            ("test a b", "a"),
            ("fuzz fast", "fast"),
            ("fuzz --seconds 5 6", "6"),
            ("fuzz --runs 5 6", "6"),
            ("defences replay", "replay"),
            ("defences --only a b", "b"),
        ] {
            let problem = words(line).unwrap_err();
            assert!(problem.contains(word), "{problem}");
        }
    }
}
