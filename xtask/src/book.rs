//! Makes the guides into a book, with mdbook, for reading in a browser: `target/book/index.html`.
//!
//! The pages link to each other and to the files they speak of, as they lie in the project. In the book a page lies
//! elsewhere, so each link is led from there; what leads out of the book leads into the project.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::workspace::{self, Workspace, works};

/// Where the pages are put for mdbook to read: as in `book.toml`.
const PAGES: &str = "target/book-pages";

/// Where the book comes to lie: as in `book.toml`.
const BOOK: &str = "target/book";

/// Builds it. Fails if mdbook is missing, or a link of the book leads nowhere.
pub(crate) fn run(workspace: &Workspace) -> Result<(), String> {
    if !works(Command::new("mdbook").arg("--version")) {
        return Err("mdbook is missing: `cargo install mdbook --locked`".to_owned());
    }
    let (root, trouble) = (workspace.root(), |error: io::Error| error.to_string());
    lay_out(root).map_err(trouble)?;
    let mut command = Command::new("mdbook");
    command.arg("build").current_dir(root);
    workspace::run("mdbook build", &mut command)?;
    let (followed, lost) = follow(&root.join(BOOK)).map_err(trouble)?;
    if !lost.is_empty() {
        return Err(format!("links that lead nowhere:\n{}", lost.join("\n")));
    }
    println!("written: {BOOK}/index.html; {followed} links lead somewhere");
    Ok(())
}

/// Puts the README and the pages of `docs/` where mdbook reads them, with links that hold in the book.
fn lay_out(root: &Path) -> io::Result<()> {
    let pages = root.join(PAGES);
    if pages.exists() {
        fs::remove_dir_all(&pages)?;
    }
    let mut decisions = Vec::new();
    for file in files(&root.join("docs"))? {
        let within = file.strip_prefix(root.join("docs")).unwrap_or(&file);
        let to = pages.join(within);
        fs::create_dir_all(to.parent().unwrap_or(&pages))?;
        if within.extension().is_none_or(|end| end != "md") {
            fs::copy(&file, to)?;
            continue;
        }
        let text = fs::read_to_string(&file)?;
        if within.starts_with("decisions") && !within.ends_with("README.md") {
            let title = text.lines().next().unwrap_or_default();
            let title = title.trim_start_matches("# ");
            decisions.push(format!("  - [{title}]({})\n", within.display()));
        }
        fs::write(to, lead(&Path::new("docs").join(within), &text))?;
    }
    let readme = fs::read_to_string(root.join("README.md"))?;
    fs::write(
        pages.join("README.md"),
        lead(Path::new("README.md"), &readme),
    )?;
    // mdbook makes a page of nothing but what is listed.
    decisions.sort();
    let summary = fs::read_to_string(pages.join("SUMMARY.md"))?;
    let list = "(decisions/README.md)\n";
    let summary = summary.replace(list, &format!("{list}{}", decisions.concat()));
    fs::write(pages.join("SUMMARY.md"), summary)
}

/// The text of this page of the project, its links led from where the page lies in the book.
fn lead(page: &Path, text: &str) -> String {
    let mut led = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, link)) = rest.split_once("](") {
        let (link, after) = link.split_once(')').unwrap_or((link, ""));
        led.push_str(&format!("{before}]({})", lead_link(page, link)));
        rest = after;
    }
    led + rest
}

fn lead_link(page: &Path, link: &str) -> String {
    if link.starts_with('#') || link.contains("://") {
        return link.to_owned();
    }
    // Where it leads in the project.
    let mut target = page.to_owned();
    target.pop();
    for part in link.split('/') {
        match part {
            ".." => drop(target.pop()),
            "." => {}
            part => target.push(part),
        }
    }
    let target = target.display().to_string();
    // Back to the first page of the book, and from there to the project's root.
    let depth = page
        .strip_prefix("docs")
        .unwrap_or(page)
        .components()
        .count()
        - 1;
    let back = "../".repeat(depth);
    let within = target
        .strip_prefix("docs/")
        .or_else(|| target.starts_with("README.md").then_some(&target));
    if let Some(within) = within {
        if page.ends_with("SUMMARY.md") {
            return within.to_owned();
        }
        // What mdbook makes of a README, and of the list of all pages.
        let within = within
            .replace("README.md", "index.md")
            .replace("SUMMARY.md", "index.md");
        return format!("{back}{within}");
    }
    // mdbook would take every `.md` for a page of the book.
    format!("{back}../../{}", target.replace(".md", ".m%64"))
}

/// Every file below a folder.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    Ok(files)
}

/// How many relative links the pages have, and which of them lead nowhere.
fn follow(book: &Path) -> io::Result<(usize, Vec<String>)> {
    let (mut followed, mut lost) = (0, Vec::new());
    for page in files(book)? {
        if page.extension().is_none_or(|end| end != "html") {
            continue;
        }
        let text = fs::read_to_string(&page)?;
        for link in text
            .split(" href=\"")
            .skip(1)
            .chain(text.split(" src=\"").skip(1))
        {
            let link = link.split('"').next().unwrap_or_default();
            let file = link
                .split('#')
                .next()
                .unwrap_or_default()
                .replace("%64", "d");
            if file.is_empty() || file.contains(':') {
                continue;
            }
            followed += 1;
            if !page.with_file_name(&file).exists() {
                lost.push(format!("  {}: {link}", page.display()));
            }
        }
    }
    Ok((followed, lost))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_hold_where_the_book_lies() {
        let led = |page: &str, link: &str| lead_link(Path::new(page), link);
        for (page, link, expected) in [
            ("README.md", "docs/axum.md#x", "axum.md#x"),
            ("README.md", "docs/SUMMARY.md", "index.md"),
            (
                "README.md",
                "docs/decisions/README.md",
                "decisions/index.md",
            ),
            ("README.md", "LICENSE-MIT", "../../LICENSE-MIT"),
            (
                "README.md",
                "CHANGELOG.md#gaps",
                "../../CHANGELOG.m%64#gaps",
            ),
            ("docs/tour.md", "axum.md", "axum.md"),
            ("docs/tour.md", "#there", "#there"),
            (
                "docs/tour.md",
                "https://example.com/a",
                "https://example.com/a",
            ),
            ("docs/SUMMARY.md", "../README.md", "README.md"),
            (
                "docs/tour.md",
                "../crates/a/src/lib.rs",
                "../../crates/a/src/lib.rs",
            ),
            ("docs/decisions/0001-a.md", "../threats.md", "../threats.md"),
            (
                "docs/decisions/0001-a.md",
                "0002-b.md",
                "../decisions/0002-b.md",
            ),
            (
                "docs/decisions/0001-a.md",
                "../../xtask/src/deny.rs",
                "../../../xtask/src/deny.rs",
            ),
        ] {
            assert_eq!(led(page, link), expected, "{page}: {link}");
        }
        let text = "see [a](axum.md) and ![b](images/c.png), ](";
        let page = Path::new("docs/tour.md");
        assert_eq!(
            lead(page, text),
            "see [a](axum.md) and ![b](images/c.png), ]()"
        );
    }

    #[test]
    fn a_link_of_the_book_that_leads_nowhere_is_found() {
        let book = tempfile::tempdir().unwrap();
        let page =
            r##"<a href="b.html#x"></a> <a href="#y"></a> <img src="c.png"> <a href="https://d">"##;
        fs::write(book.path().join("a.html"), page).unwrap();
        fs::write(book.path().join("b.html"), "").unwrap();
        let (followed, lost) = follow(book.path()).unwrap();
        assert_eq!((followed, lost.len()), (2, 1), "{lost:?}");
        assert!(lost[0].ends_with("a.html: c.png"), "{lost:?}");
    }
}
