//! What a build must not pull in: whoever takes one piece does not pay for the others.

use crate::workspace::{Workspace, output};

/// A build, and the packages that must be absent from it.
struct LightBuild {
    build: &'static str,
    without: &'static [&'static str],
}

const LIGHT_BUILDS: &[LightBuild] = &[
    LightBuild {
        build: "-p ucanpay-core --all-features",
        without: &["tokio", "hyper", "reqwest", "sqlx", "axum", "tower"],
    },
    LightBuild {
        build: "-p ucanpay-transport --no-default-features",
        without: &["reqwest", "hyper", "rustls", "sqlx", "axum", "metrics"],
    },
    LightBuild {
        build: "-p ucanpay-axum --no-default-features",
        without: &[
            "axum",
            "hyper",
            "reqwest",
            "sqlx",
            "ucanpay-storefront",
            "ucanpay-transport",
        ],
    },
    LightBuild {
        build: "-p ucanpay-storefront --no-default-features --features postgres",
        without: &["sqlx-sqlite", "libsqlite3-sys", "rustls", "reqwest", "axum"],
    },
    LightBuild {
        build: "-p ucanpay-storefront --no-default-features",
        without: &["sqlx", "reqwest", "hyper", "axum", "axum-core"],
    },
];

/// Asks `cargo tree` about each of them.
pub(crate) fn check(workspace: &Workspace) -> Result<(), String> {
    for LightBuild { build, without } in LIGHT_BUILDS {
        let line = format!("tree {build} -e normal --prefix none");
        let tree = output(&format!("cargo {line}"), &mut workspace.cargo(&line))?;
        let found = found(&tree, without)?;
        if !found.is_empty() {
            return Err(format!(
                "`{build}` pulls in {}; `cargo tree {build} -e normal -i {}` shows how",
                found.join(", "),
                found[0],
            ));
        }
        println!("  without {}", without.join(", "));
    }
    Ok(())
}

/// Those of `without` that stand in the tree. A tree without a single package proves nothing, and is an error.
fn found<'a>(tree: &str, without: &[&'a str]) -> Result<Vec<&'a str>, String> {
    let packages: Vec<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    if packages.is_empty() {
        return Err("`cargo tree` printed no package".to_owned());
    }
    let found = without.iter().copied();
    Ok(found.filter(|name| packages.contains(name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "ucanpay-axum v0.1.0 (/src/crates/ucanpay-axum)\n\
                        axum-core v0.5.6\n\
                        bytes v1.12.2\n\
                        async-trait v0.1.92 (proc-macro)\n\
                        http v1.5.0 (*)\n";

    #[test]
    fn a_package_is_found_by_its_whole_name() {
        assert_eq!(found(TREE, &["axum", "hyper", "core"]), Ok(vec![]));
        assert_eq!(
            found(TREE, &["http", "axum-core"]),
            Ok(vec!["http", "axum-core"])
        );
    }

    #[test]
    fn an_empty_tree_is_no_proof() {
        assert!(found("", &["tokio"]).is_err());
    }
}
