//! Which features each library crate has, read from its `Cargo.toml`: a list written down here would soon be an old one.

use std::fs;

use crate::workspace::Workspace;

/// A crate under `crates/`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Library {
    pub(crate) name: String,
    pub(crate) features: Vec<String>,
}

/// The library crates, by name.
pub(crate) fn libraries(workspace: &Workspace) -> Result<Vec<Library>, String> {
    let folder = workspace.root().join("crates");
    let trouble = |error| format!("{} cannot be read: {error}", folder.display());
    let mut libraries = Vec::new();
    for entry in fs::read_dir(&folder).map_err(trouble)? {
        let entry = entry.map_err(trouble)?;
        let manifest = entry.path().join("Cargo.toml");
        let text = fs::read_to_string(&manifest)
            .map_err(|error| format!("{} cannot be read: {error}", manifest.display()))?;
        libraries.push(Library {
            name: entry.file_name().to_string_lossy().into_owned(),
            features: features(&text),
        });
    }
    libraries.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(libraries)
}

/// The names in the `[features]` table of a manifest, without `default`.
fn features(manifest: &str) -> Vec<String> {
    manifest
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "[features]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.trim().trim_matches('"').to_owned())
        .filter(|name| name != "default")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_features_are_those_of_the_features_table() {
        let manifest = r#"
            [package]
            name = "a"

            [features]
            default = ["one"]
            ## What one does = this.
            one = ["dep:x"]
            two = [
                "dep:y",
                "one",
            ]

            [dependencies]
            x = { version = "1", optional = true }
        "#;
        assert_eq!(features(manifest), ["one", "two"]);
        assert_eq!(
            features("[dependencies]\nx = \"1\"\n"),
            Vec::<String>::new()
        );
    }
}
