//! `explain --json` has the members that the README's table says, in the types and words that it says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::program::{key, run, vectors};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");

/// By member, such as `keys[].bits`: the types, and the words where it is a word.
type Members = BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)>;

fn documented() -> Members {
    let text = std::fs::read_to_string(README).unwrap();
    let (_, section) = text.split_once("\n### `explain --json`\n").unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let rows = rows.map(|row| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let types: BTreeSet<String> = cells[2].split(" or ").map(str::to_owned).collect();
        let words = cells[3].split('`').skip(1).step_by(2).map(str::to_owned);
        let words = types.contains("word").then_some(words).into_iter();
        let name = cells[1].trim_matches('`').to_owned();
        (name, (types, words.flatten().collect()))
    });
    rows.collect()
}

/// Every captured message that this test can think of, explained.
fn explanations() -> Vec<Value> {
    let (platform, own) = (key("platform-2048.pub.pem"), key("merchant-2048.pkcs8.pem"));
    let (signing, small) = (key("platform-2048.pkcs8.pem"), key("platform-1024.pub.pem"));
    let explain = |arguments: &[&str], body: &str| -> Option<Value> {
        let explain = [&["explain", "--json"], arguments].concat();
        serde_json::from_str(&run(&explain, body.as_bytes()).stdout).ok()
    };
    let all = ["--key", &platform, "--key", &small, "--own-key", &own];
    let mut found = Vec::new();
    for case in vectors("notifications")["cases"].as_array().unwrap() {
        found.extend(explain(&all, case["body"].as_str().unwrap()));
    }
    let object = r#"{"merchantId":"1","attach":"","zone":null,"totalAmt":450.0,"signType":"RSA"}"#;
    for more in [
        &[][..],
        &["--scheme", "single"],
        &["--scheme", "path-suffixed", "--path", "/payment/refund"],
        &["--set", "without-sign-type,empty"],
    ] {
        let sign = [&["sign", "--key", &signing], more].concat();
        let signed = run(&sign, object.as_bytes()).stdout;
        found.extend(explain(&all, &signed));
        found.extend(explain(&all, &signed.replace("450.0", "450")));
        found.extend(explain(&all, &signed.replace("450.0", "451")));
    }
    let vectors = vectors("md5");
    let vector = &vectors["vectors"][0];
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, vector["secret"].as_str().unwrap()).unwrap();
    let secret = secret.to_str().unwrap();
    let members = vector["members"].as_str().unwrap();
    let sign = ["sign", "--md5-secret-file", secret];
    let signed = run(&sign, members.as_bytes()).stdout;
    found.extend(explain(&["--md5-secret-file", secret], &signed));
    found
}

/// Adds what stands at this place of an explanation.
fn look(at: &str, value: &Value, words: &Members, seen: &mut Members) {
    let mut note = |kind: &str| {
        let of_words = words
            .get(at)
            .is_some_and(|(types, _)| types.contains("word"));
        let entry = seen.entry(at.to_owned()).or_default();
        let kind = if kind == "text" && of_words {
            "word"
        } else {
            kind
        };
        entry.0.insert(kind.to_owned());
        if let (true, Some(word)) = (of_words, value.as_str()) {
            entry.1.insert(word.to_owned());
        }
    };
    match value {
        Value::Object(members) => {
            let dot = if at.is_empty() { "" } else { "." };
            for (name, value) in members {
                look(&format!("{at}{dot}{name}"), value, words, seen);
            }
        }
        Value::Array(items) => {
            note("list");
            for item in items {
                look(&format!("{at}[]"), item, words, seen);
            }
        }
        Value::String(_) => note("text"),
        Value::Number(_) => note("number"),
        Value::Bool(_) => note("true or false"),
        Value::Null => note("null"),
    }
}

#[test]
fn every_explanation_has_the_members_types_and_words_that_the_readme_says() {
    let documented = documented();
    let mut seen = Members::new();
    for explanation in explanations() {
        look("", &explanation, &documented, &mut seen);
    }
    let names = |members: &Members| members.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&seen), names(&documented));
    for (name, (types, words)) in &seen {
        let (said, allowed) = &documented[name];
        assert_eq!(types, said, "{name}");
        assert!(words.is_subset(allowed), "{name}: {words:?}");
        assert_eq!(said.contains("word"), !allowed.is_empty(), "{name}");
    }
    assert!(seen["verdict"].1.len() >= 8, "{:?}", seen["verdict"].1);
}
