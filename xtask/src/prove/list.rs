//! The list of proofs, `tests/proofs.toml`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

/// The list's place in the project.
pub(super) const LIST: &str = "tests/proofs.toml";

/// One proof: a test whose size can be set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Proof {
    /// For people, and for `--only`.
    pub(super) name: String,
    pub(super) package: String,
    /// The test binary: `it` unless another is named, `lib` for the unit tests.
    #[serde(default = "integration_tests")]
    pub(super) target: String,
    /// The whole name of the test.
    pub(super) test: String,
    /// What a whole proof asks for, by the end of the variable's name.
    #[serde(default)]
    pub(super) sizes: BTreeMap<String, u64>,
}

fn integration_tests() -> String {
    "it".to_owned()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    proof: Vec<Proof>,
}

/// All of them, in the order of the list.
pub(super) fn read(root: &Path) -> Result<Vec<Proof>, String> {
    let text = fs::read_to_string(root.join(LIST))
        .map_err(|error| format!("{LIST} cannot be read: {error}"))?;
    let list: List = toml::from_str(&text).map_err(|error| format!("{LIST}: {error}"))?;
    Ok(list.proof)
}

impl Proof {
    /// What is set for the test's process: nothing when it is to be quick.
    pub(super) fn settings(&self, quick: bool) -> Vec<(String, String)> {
        let sizes = self.sizes.iter().filter(|_| !quick);
        let setting = |(name, size): (&String, &u64)| (variable(name), size.to_string());
        sizes.map(setting).collect()
    }
}

/// The variable that a test reads a size from.
pub(super) fn variable(name: &str) -> String {
    format!("UCANPAY_PROVE_{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
    }

    /// The text of every Rust file below a folder.
    fn sources(folder: &Path) -> String {
        let mut text = String::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                text.push_str(&sources(&path));
            } else if path.extension().is_some_and(|end| end == "rs") {
                text.push_str(&fs::read_to_string(path).unwrap());
            }
        }
        text
    }

    #[test]
    fn each_proof_is_a_test_that_reads_the_sizes_it_is_given() {
        let text = sources(&root().join("tests")) + &sources(&root().join("crates"));
        for proof in read(root()).unwrap() {
            let name = proof.test.rsplit("::").next().unwrap();
            assert!(text.contains(name), "{name} is no test any more");
            for size in proof.sizes.keys() {
                let read = [format!("\"{size}\""), format!("\"{}\"", variable(size))];
                let read = read.iter().any(|read| text.contains(read));
                assert!(read, "{name}: nobody reads {size}");
            }
        }
    }

    #[test]
    fn a_whole_proof_sets_sizes_and_a_quick_one_none() {
        for proof in read(root()).unwrap() {
            assert!(proof.settings(true).is_empty());
            assert_eq!(proof.settings(false).len(), proof.sizes.len());
        }
    }
}
