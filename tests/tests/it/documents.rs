//! The documents hold together: links lead somewhere, every page is in the book, every piece of Rust is compiled, and every
//! other block of code is held by a test.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// Pages whose Rust is not in `src/lib.rs`, and the test that holds each to real code.
const HELD_ELSEWHERE: [(&str, &str); 2] = [
    ("docs/axum.md", "crates/ucanpay-axum/tests/it/guide.rs"),
    ("docs/loco.md", "crates/ucanpay-loco/tests/it/guide/page.rs"),
];

/// Blocks of other languages, by page, and the file of the test that runs them, reads them or compares them. Left out is
/// `text` but where it is what a command prints: it is a drawing.
const BLOCKS_HELD: [(&str, &str, &str); 27] = [
    ("README.md", "sh", HERE),
    ("README.md", "console", HERE),
    (
        "README.md",
        "console",
        "crates/ucanpay-cli/tests/it/pages.rs",
    ),
    ("crates/ucanpay-cli/README.md", "sh", HERE),
    (
        "crates/ucanpay-cli/README.md",
        "sh",
        "crates/ucanpay-cli/tests/it/walk.rs",
    ),
    (
        "crates/ucanpay-cli/README.md",
        "sh",
        "crates/ucanpay-cli/tests/it/pages.rs",
    ),
    (
        "crates/ucanpay-cli/README.md",
        "text",
        "crates/ucanpay-cli/tests/it/walk.rs",
    ),
    ("crates/ucanpay-sandbox/README.md", "sh", HERE),
    (
        "docs/axum.md",
        "diff",
        "crates/ucanpay-axum/tests/it/guide.rs",
    ),
    ("docs/axum.md", "sh", "tests/tests/it/empty_folder.rs"),
    ("docs/axum.md", "console", "tests/tests/it/empty_folder.rs"),
    ("docs/core-only.md", "toml", HERE),
    (
        "docs/going-live.md",
        "sh",
        "crates/ucanpay-cli/tests/it/pages.rs",
    ),
    (
        "docs/loco.md",
        "diff",
        "crates/ucanpay-loco/tests/it/guide/page.rs",
    ),
    (
        "docs/loco.md",
        "console",
        "crates/ucanpay-loco/tests/it/guide/page.rs",
    ),
    ("docs/model.md", "mermaid", "tests/model/tests/it/main.rs"),
    (
        "docs/operations.md",
        "sql",
        "crates/ucanpay-storefront/tests/it/operations.rs",
    ),
    (
        "docs/operations.md",
        "sql",
        "crates/ucanpay-storefront/tests/it/postgres.rs",
    ),
    (
        "docs/providers.md",
        "toml",
        "crates/ucanpay-storefront/tests/it/account.rs",
    ),
    (
        "docs/reconciling.md",
        "sql",
        "crates/ucanpay-storefront/tests/it/books.rs",
    ),
    ("docs/reliability.md", "sh", HERE),
    (
        "docs/sandbox.md",
        "json",
        "crates/ucanpay-sandbox/tests/it/control.rs",
    ),
    ("examples/axum-shop/README.md", "sh", HERE),
    ("examples/loco-shop/README.md", "sh", HERE),
    ("examples/openssl-signer/README.md", "sh", HERE),
    ("examples/swap-transport/README.md", "sh", HERE),
    ("examples/two-gateways/README.md", "sh", HERE),
];
const HERE: &str = "tests/tests/it/documents.rs";

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

/// The language and the text of each fenced block of a page.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut blocks: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for event in parse(text) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(words))) => {
                let language = words.split(',').next().unwrap_or_default().to_owned();
                blocks.push((language, String::new()));
                inside = true;
            }
            Event::End(TagEnd::CodeBlock) => inside = false,
            Event::Text(text) if inside => blocks.last_mut().unwrap().1.push_str(&text),
            _ => {}
        }
    }
    blocks
}

#[test]
fn every_block_that_is_not_rust_is_held_by_a_test() {
    let mut unseen: BTreeSet<_> = BLOCKS_HELD.into_iter().collect();
    for (page, text) in pages() {
        for (language, _) in blocks(&text) {
            assert!(!language.is_empty(), "{page}: a block says no language");
            let held: Vec<_> = BLOCKS_HELD
                .into_iter()
                .filter(|(name, of, _)| *name == page && *of == language)
                .collect();
            assert!(
                !held.is_empty() || ["rust", "text"].contains(&&*language),
                "{page}: nobody holds its {language}"
            );
            for entry in held {
                let test = fs::read_to_string(root().join(entry.2)).unwrap();
                let name = Path::new(entry.0).file_name().unwrap().to_str().unwrap();
                assert!(test.contains(name), "{} does not read {page}", entry.2);
                unseen.remove(&entry);
            }
        }
    }
    assert!(unseen.is_empty(), "no such blocks: {unseen:?}");
}

/// Commands that run for ever, or install something, are not run here: what they name is there.
#[test]
fn the_commands_of_the_pages_name_packages_and_tasks_that_there_are() {
    let pages: BTreeSet<&str> = BLOCKS_HELD
        .into_iter()
        .filter(|(_, language, test)| *language == "sh" && *test == HERE)
        .map(|(page, ..)| page)
        .collect();
    let help = fs::read_to_string(root().join("xtask/src/args.rs")).unwrap();
    let mut looked_at = 0;
    for page in pages {
        let text = fs::read_to_string(root().join(page)).unwrap();
        let commands = blocks(&text)
            .into_iter()
            .filter(|(language, _)| language == "sh");
        let commands: Vec<String> = commands.map(|(_, block)| block).collect();
        for line in commands.iter().flat_map(|block| block.lines()) {
            let Some((_, command)) = line.split_once("cargo ") else {
                continue;
            };
            let words: Vec<&str> = command.split_whitespace().collect();
            let there = match words[..] {
                ["test", "-p", "ucanpay-tests", ..] => true,
                ["run", "-p", package, ..] => ["crates", "examples"].iter().any(|folder| {
                    root()
                        .join(folder)
                        .join(package)
                        .join("src/main.rs")
                        .exists()
                }),
                // Of a package apart, in its own folder.
                ["run", "--release", ..] | ["test"] => {
                    root().join(page).with_file_name("src/main.rs").exists()
                }
                ["install", "--path", path] => root().join(path).join("src/main.rs").exists(),
                ["xtask", task, ..] => help.contains(&format!("  cargo xtask {task}")),
                _ => false,
            };
            assert!(there, "{page}: {line}");
            looked_at += 1;
        }
    }
    assert_eq!(looked_at, 23);
}

#[test]
fn the_tree_of_core_is_the_one_that_the_readme_shows() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let shown = blocks(&readme).into_iter().map(|(_, text)| text);
    let shown = shown.filter_map(|text| Some(text.strip_prefix("$ cargo ")?.to_owned()));
    let shown: Vec<String> = shown.collect();
    let [shown] = &shown[..] else {
        panic!("{shown:?}");
    };
    let (command, tree) = shown.split_once('\n').unwrap();
    let output = Command::new(env!("CARGO"))
        .args(command.split_whitespace())
        .args(["--charset", "utf8", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    // Where the checkout lies, and whether a package stands for others.
    let names = |text: &str| -> Vec<String> {
        let names = text
            .lines()
            .map(|line| line.split(" (").next().unwrap_or_default());
        names.map(str::to_owned).collect()
    };
    assert_eq!(names(&printed), names(tree));
}

#[test]
fn the_dependency_of_core_only_is_there_with_its_features() {
    let page = fs::read_to_string(root().join("docs/core-only.md")).unwrap();
    let block = blocks(&page)
        .into_iter()
        .find(|(language, _)| language == "toml");
    let (_, line) = block.unwrap();
    let (_, path) = line.split_once("path = \"../ucanpay/").unwrap();
    let (path, rest) = path.split_once('"').unwrap();
    let manifest = fs::read_to_string(root().join(path).join("Cargo.toml")).unwrap();
    let (_, features) = rest.split_once("features = [\"").unwrap();
    let (feature, _) = features.split_once('"').unwrap();
    assert!(manifest.contains(&format!("\n{feature} = [")), "{feature}");
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

/// What a shop's program calls most, and the fewest methods that are looked at: each has an example.
const CALLED: [(&str, &str, usize); 9] = [
    ("crates/ucanpay-core/src/merchant.rs", "impl Merchant {", 7),
    ("crates/ucanpay-transport/src/client.rs", "impl Client {", 3),
    ("crates/ucanpay-axum/src/layer.rs", "impl UcanpayLayer {", 3),
    (
        "crates/ucanpay-storefront/src/payments/start.rs",
        "impl Payments {",
        1,
    ),
    (
        "crates/ucanpay-storefront/src/payments/refund.rs",
        "impl Payments {",
        1,
    ),
    (
        "crates/ucanpay-storefront/src/payments/end.rs",
        "impl Payments {",
        2,
    ),
    (
        "crates/ucanpay-storefront/src/payments/review.rs",
        "impl Payments {",
        2,
    ),
    (
        "crates/ucanpay-storefront/src/payments/parked.rs",
        "impl Payments {",
        3,
    ),
    (
        "crates/ucanpay-storefront/src/payments/mod.rs",
        "impl Payments {",
        8,
    ),
];

#[test]
fn what_a_shop_calls_most_has_an_example_each() {
    for (file, block, at_least) in CALLED {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let (_, methods) = text.split_once(&format!("\n{block}\n")).expect(file);
        let (methods, _) = methods.split_once("\n}\n").expect(file);
        let mut looked_at = 0;
        let mut docs = String::new();
        for line in methods.lines() {
            match line.trim_start() {
                line if line.starts_with("///") => docs.push_str(&format!("{line}\n")),
                line if line.starts_with("pub fn ") || line.starts_with("pub async fn ") => {
                    // A getter says what it is.
                    let getter = docs.lines().count() == 1 && line.contains("(&self) ->");
                    assert!(getter || docs.contains("```"), "{file}: {line}");
                    looked_at += 1;
                    docs.clear();
                }
                // The end of something else; attributes stand between a doc and its function.
                line if line.ends_with('}') || line.ends_with(';') => docs.clear(),
                _ => {}
            }
        }
        assert!(looked_at >= at_least, "{file}: {looked_at}");
    }
}
