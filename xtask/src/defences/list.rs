//! The list of defences, `tests/defences.toml`, and how one is removed from a tree.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::shown;

/// The list's place in the project.
const LIST: &str = "tests/defences.toml";

/// One defence.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Defence {
    /// For `--only`.
    pub(super) name: String,
    /// The row of `docs/threats.md` it belongs to, or what else asks for it.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for readers, and for the test below")
    )]
    pub(super) threat: String,
    /// The patch in words.
    pub(super) removed: String,
    pub(super) patch: Vec<Patch>,
    pub(super) package: String,
    /// The test binary: `it` unless another is named, `lib` for the unit tests.
    #[serde(default = "integration_tests")]
    pub(super) target: String,
    /// The whole name of the test that must fail.
    pub(super) test: String,
}

fn integration_tests() -> String {
    "it".to_owned()
}

/// A text that stands once in a file, and what stands there without the defence.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Patch {
    file: String,
    search: String,
    replace: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    defence: Vec<Defence>,
    /// Rows of `docs/threats.md` that no patch can be written for.
    #[serde(default)]
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for readers, and for the test below")
    )]
    apart: Vec<Apart>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "for readers, and for the test below")
)]
struct Apart {
    threat: String,
    why: String,
}

/// All of them, in the order of the list.
pub(super) fn read(root: &Path) -> Result<Vec<Defence>, String> {
    list(root).map(|list| list.defence)
}

fn list(root: &Path) -> Result<List, String> {
    let text = fs::read_to_string(root.join(LIST))
        .map_err(|error| format!("{LIST} cannot be read: {error}"))?;
    toml::from_str(&text).map_err(|error| format!("{LIST}: {error}"))
}

impl Defence {
    /// Removes it from the project that lies at `tree`.
    pub(super) fn remove(&self, tree: &Path) -> Result<(), String> {
        for Patch {
            file,
            search,
            replace,
        } in &self.patch
        {
            let path = tree.join(file);
            let text = fs::read_to_string(&path)
                .map_err(|error| format!("{} cannot be read: {error}", shown(&path)))?;
            if text.matches(search.as_str()).count() != 1 {
                return Err(format!(
                    "the patch {} no longer applies: what it searches for does not stand exactly once in {file}",
                    self.name
                ));
            }
            fs::write(&path, text.replacen(search, replace, 1))
                .map_err(|error| format!("{} cannot be written: {error}", shown(&path)))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
    }

    #[test]
    fn each_patch_still_finds_its_text_once() {
        for defence in read(root()).unwrap() {
            for patch in &defence.patch {
                let text = fs::read_to_string(root().join(&patch.file)).unwrap();
                let found = text.matches(&patch.search).count();
                assert_eq!(found, 1, "{}: {}", defence.name, patch.search);
                assert_ne!(patch.search, patch.replace, "{}", defence.name);
            }
        }
    }

    #[test]
    fn each_test_that_must_fail_is_there() {
        for defence in read(root()).unwrap() {
            let name = defence.test.rsplit("::").next().unwrap();
            // A test that the macro of `tests/postgres` makes is in a module of its own.
            let made = format!("    {name};\n");
            let on_postgres = defence.test.contains("::on_postgres::");
            let name = format!("fn {name}(");
            let mut folders = ["crates", "examples"]
                .map(|folder| root().join(folder))
                .to_vec();
            for folder in &mut folders {
                folder.push(&defence.package);
            }
            let mut there = false;
            while let Some(folder) = folders.pop() {
                for entry in fs::read_dir(folder).into_iter().flatten() {
                    let path = entry.unwrap().path();
                    there |= fs::read_to_string(&path).is_ok_and(|text| {
                        text.contains(&name) && text.contains(&made) == on_postgres
                    });
                    folders.push(path);
                }
            }
            assert!(there, "{}: {name}", defence.test);
        }
    }

    #[test]
    fn each_name_is_one_defence() {
        let mut names: Vec<String> = Vec::new();
        for Defence { name, .. } in read(root()).unwrap() {
            assert!(!names.contains(&name), "{name} stands twice");
            names.push(name);
        }
    }

    #[test]
    fn each_row_of_the_threats_has_a_defence_to_remove_or_a_reason() {
        let list = list(root()).unwrap();
        let threats = fs::read_to_string(root().join("docs/threats.md")).unwrap();
        let rows: Vec<&str> = threats
            .lines()
            .filter_map(|line| line.strip_prefix("| "))
            .filter_map(|line| line.split(" | ").next())
            .skip(1)
            .collect();
        assert!(rows.len() > 20, "the table is read");
        for row in &rows {
            let removed = list.defence.iter().any(|defence| defence.threat == *row);
            let apart = list.apart.iter().any(|apart| apart.threat == *row);
            assert!(
                removed != apart,
                "{row}: a patch, or a reason, and not both"
            );
        }
        for Apart { threat, why } in &list.apart {
            assert!(rows.contains(&threat.as_str()), "{threat} is no row");
            assert!(!why.is_empty(), "{threat}");
        }
    }
}
