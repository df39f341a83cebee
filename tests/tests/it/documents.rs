//! The documents hold together: links lead somewhere, every page is in the book, every piece of Rust is compiled.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// Pages whose Rust is not in `src/lib.rs`, and the test that holds each to real code.
const HELD_ELSEWHERE: [(&str, &str); 2] = [
    ("docs/axum.md", "crates/ucanpay-axum/tests/it/guide.rs"),
    ("docs/loco.md", "crates/ucanpay-loco/tests/it/guide/page.rs"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this crate stands in the workspace")
}

/// All Markdown files of the project, by their path in it.
fn pages() -> Vec<(String, String)> {
    let mut folders = vec![root().to_owned()];
    let mut pages = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            if entry.file_type().unwrap().is_dir() {
                let ours = !name.starts_with('.') && !["target", "data"].contains(&&*name);
                folders.extend(ours.then_some(path));
            } else if name.ends_with(".md") {
                let within = path.strip_prefix(root()).unwrap().display().to_string();
                pages.push((within, fs::read_to_string(path).unwrap()));
            }
        }
    }
    pages.sort();
    assert!(
        pages.len() > 40,
        "{} pages are not all of them",
        pages.len()
    );
    pages
}

fn parse(text: &str) -> Parser<'_> {
    Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS)
}

fn links(text: &str) -> Vec<String> {
    let link = |event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
            Some(dest_url.into_string())
        }
        _ => None,
    };
    parse(text).filter_map(link).collect()
}

/// What stands behind `#` in a link to each heading, as the usual renderers make it.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    let mut heading: Option<String> = None;
    for event in parse(text) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => {
                let words = heading.take().unwrap_or_default().to_lowercase();
                let kept = words.chars().filter_map(|c| match c {
                    ' ' => Some('-'),
                    c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
                    _ => None,
                });
                anchors.insert(kept.collect());
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            _ => {}
        }
    }
    anchors
}

/// Where a relative link of `page` leads, and the heading there; `None` for the web.
fn target(page: &str, link: &str) -> Option<(PathBuf, Option<String>)> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = link
        .split_once('#')
        .map_or((link, None), |(f, a)| (f, Some(a)));
    let page = root().join(page);
    let path = match file {
        "" => page,
        file => page.parent().unwrap().join(file),
    };
    Some((path, anchor.map(str::to_owned)))
}

#[test]
fn every_link_leads_somewhere() {
    let mut lost = Vec::new();
    let mut followed = 0;
    for (page, text) in pages() {
        for link in links(&text) {
            let Some((path, anchor)) = target(&page, &link) else {
                continue;
            };
            followed += 1;
            let known = |anchor: &String| {
                fs::read_to_string(&path).is_ok_and(|text| anchors(&text).contains(anchor))
            };
            let there = path.exists() && anchor.as_ref().is_none_or(known);
            if !there {
                lost.push(format!("{page}: {link}"));
            }
        }
    }
    assert!(
        lost.is_empty(),
        "links that lead nowhere:\n{}",
        lost.join("\n")
    );
    assert!(followed > 300, "{followed} links are not all of them");
}

#[test]
fn a_lost_link_and_a_lost_heading_are_found() {
    let (page, text) = (
        "docs/x.md",
        "[a](nowhere.md) [b](tour.md#no-such) [c](tour.md)",
    );
    let lost = links(text).into_iter().filter(|link| {
        let (path, anchor) = target(page, link).unwrap();
        let known = |a: &String| anchors(&fs::read_to_string(&path).unwrap()).contains(a);
        !path.exists() || !anchor.as_ref().is_none_or(known)
    });
    assert_eq!(lost.collect::<Vec<_>>(), ["nowhere.md", "tour.md#no-such"]);
}

#[test]
fn every_page_of_docs_is_in_the_book() {
    let summary = fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let listed: BTreeSet<String> = links(&summary).into_iter().collect();
    for (page, _) in pages() {
        let Some(name) = page.strip_prefix("docs/") else {
            continue;
        };
        let listed_elsewhere = name == "SUMMARY.md" || name.starts_with("decisions/0");
        assert!(
            listed_elsewhere || listed.contains(name),
            "{page} is not in docs/SUMMARY.md"
        );
    }
}

#[test]
fn every_decision_is_in_the_list_of_decisions() {
    let list = fs::read_to_string(root().join("docs/decisions/README.md")).unwrap();
    let listed: BTreeSet<String> = links(&list).into_iter().collect();
    for (page, _) in pages() {
        if let Some(name) = page.strip_prefix("docs/decisions/")
            && name != "README.md"
        {
            assert!(
                listed.contains(name),
                "{page} is not in docs/decisions/README.md"
            );
        }
    }
}

#[test]
fn every_piece_of_rust_in_a_page_is_compiled() {
    let compiled = fs::read_to_string(root().join("tests/src/lib.rs")).unwrap();
    for (page, text) in pages() {
        let rust = parse(&text).any(|event| match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(words))) => {
                assert!(
                    !words.contains("ignore"),
                    "{page} has Rust that nothing compiles"
                );
                words.split(',').any(|word| word == "rust")
            }
            _ => false,
        });
        if !rust {
            continue;
        }
        let included = compiled.contains(&format!("include_str!(\"../../{page}\")"));
        let held = HELD_ELSEWHERE.into_iter().find(|(name, _)| *name == page);
        match held {
            Some((_, test)) => {
                let test = fs::read_to_string(root().join(test)).unwrap();
                assert!(test.contains(&page), "{page} is not read by its test");
            }
            None => assert!(
                included,
                "the Rust in {page} is not compiled: see tests/src/lib.rs"
            ),
        }
    }
}

/// The containers were not started where this project is tested: what can be held to the code is.
#[test]
fn the_containers_use_packages_and_settings_that_there_are() {
    let read = |name: &str| fs::read_to_string(root().join(name)).unwrap();
    let (dockerfile, compose, readme) =
        (read("Dockerfile"), read("compose.yaml"), read("README.md"));
    let mut words = dockerfile.split_whitespace();
    let mut packages = 0;
    while let Some(word) = words.next() {
        if word == "--package" {
            let package = words.next().unwrap();
            let there = ["crates", "examples"].map(|folder| root().join(folder).join(package));
            assert!(there.iter().any(|folder| folder.is_dir()), "{package}");
            packages += 1;
        }
    }
    assert!(packages > 0, "the Dockerfile builds nothing");
    let names = compose.lines().chain(dockerfile.lines()).flat_map(|line| {
        line.split(|c: char| !c.is_ascii_uppercase() && c != '_')
            .filter(|word| word.starts_with("UCANPAY_") || word.starts_with("SHOP_"))
    });
    let names: BTreeSet<&str> = names.collect();
    assert!(names.contains("UCANPAY_BASE_URL"), "{names:?}");
    for name in names {
        let star = name == "UCANPAY_";
        assert!(
            star || readme.contains(&format!("`{name}`")),
            "{name} is not in the README"
        );
    }
}
