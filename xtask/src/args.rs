//! What was asked for on the command line.

pub(crate) const HELP: &str = "\
The project's own commands.

  cargo xtask test                every check, stopping at the first that fails
  cargo xtask test --no-install   the same; what is missing on this machine is named, not installed
  cargo xtask fuzz                looks for inputs that break a reader of messages, a minute for each (nightly)
  cargo xtask fuzz --seconds N    the same, for N seconds each
  cargo xtask help                this text

`cargo test --workspace` runs the tests alone, and lists those it left out and why.";

/// One command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Help,
    Test {
        install: bool,
    },
    /// For how many seconds each target runs.
    Fuzz {
        seconds: u32,
    },
}

/// Reads the words behind `cargo xtask`.
pub(crate) fn read(words: impl IntoIterator<Item = String>) -> Result<Task, String> {
    let words: Vec<String> = words.into_iter().collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => Err("no command is given".to_owned()),
        ["help" | "--help" | "-h"] | ["test" | "fuzz", "--help" | "-h"] => Ok(Task::Help),
        ["test"] => Ok(Task::Test { install: true }),
        ["test", "--no-install"] => Ok(Task::Test { install: false }),
        ["test", word, ..] => Err(format!("`test` does not know {word:?}")),
        ["fuzz"] => Ok(Task::Fuzz { seconds: 60 }),
        ["fuzz", "--seconds"] => Err("`--seconds` needs a number".to_owned()),
        ["fuzz", "--seconds", number] => seconds(number).map(|seconds| Task::Fuzz { seconds }),
        ["fuzz", "--seconds", _, word, ..] | ["fuzz", word, ..] => {
            Err(format!("`fuzz` does not know {word:?}"))
        }
        [word, ..] => Err(format!("there is no command {word:?}")),
    }
}

/// A fuzzer that is given 0 seconds runs for ever.
fn seconds(number: &str) -> Result<u32, String> {
    match number.parse() {
        Ok(seconds @ 1..) => Ok(seconds),
        Ok(0) | Err(_) => Err(format!("{number:?} is not a number of seconds from 1 on")),
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
        assert_eq!(words("fuzz"), Ok(Task::Fuzz { seconds: 60 }));
        assert_eq!(words("fuzz --seconds 5"), Ok(Task::Fuzz { seconds: 5 }));
        for line in ["fuzz --seconds", "fuzz --seconds 0", "fuzz --seconds -1"] {
            assert!(words(line).is_err(), "{line}");
        }
    }

    #[test]
    fn help_is_found_where_people_look_for_it() {
        for line in ["help", "--help", "-h", "test --help", "fuzz -h"] {
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
        ] {
            let problem = words(line).unwrap_err();
            assert!(problem.contains(word), "{problem}");
        }
    }
}
