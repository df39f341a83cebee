//! docs/loco.md, read as a newcomer reads it: step by step, each piece of code with the file it is for.

use std::path::Path;

const GUIDE: &str = include_str!("../../../../../docs/loco.md");

/// What a step asks for.
pub(super) enum Piece {
    /// Lines to type into a terminal.
    Commands(Vec<&'static str>),
    /// The whole of a file.
    File {
        path: &'static str,
        text: &'static str,
    },
    /// A change of a file that is there: a diff without line numbers.
    Change {
        path: &'static str,
        diff: &'static str,
    },
}

/// The steps, each with its pieces, in order.
pub(super) fn steps() -> Vec<Vec<Piece>> {
    let (_, rest) = GUIDE.split_once("\n## 1. ").expect("a first step");
    let (steps, _) = rest.split_once("\n## What else").expect("an end");
    let steps = steps.split("\n## ").enumerate();
    steps
        .map(|(at, step)| {
            let number = format!("{}. ", at + 1);
            assert!(
                at == 0 || step.starts_with(&number),
                "step {number}: {step}"
            );
            pieces(step)
        })
        .collect()
}

fn pieces(step: &'static str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = step;
    while let Some((before, fenced)) = rest.split_once("\n```") {
        let (language, fenced) = fenced.split_once('\n').expect("a fence has an end");
        let (code, after) = fenced.split_once("\n```").expect("a fence has an end");
        rest = after;
        let path = before.lines().next_back().unwrap_or_default();
        let path = path
            .strip_prefix('`')
            .and_then(|path| path.strip_suffix('`'));
        pieces.push(match (language, path) {
            ("console", _) => Piece::Commands(commands(code)),
            ("diff", Some(path)) => Piece::Change { path, diff: code },
            (_, Some(path)) => Piece::File { path, text: code },
            (_, None) => panic!("the guide does not say for which file this is:\n{code}"),
        });
    }
    pieces
}

fn commands(code: &'static str) -> Vec<&'static str> {
    let commands = code.lines().map(|line| line.strip_prefix("$ "));
    commands
        .collect::<Option<_>>()
        .expect("each line is a command")
}

/// Changes the text as the diff says.
///
/// What the diff shows of the text must stand in it exactly once: otherwise a reader would not know where.
pub(super) fn change(path: &Path, text: &str, diff: &str) -> String {
    let side = |other: char| {
        let lines = diff.lines().filter(|line| !line.starts_with(other));
        let line = |line: &str| line.get(1..).unwrap_or_default().to_owned() + "\n";
        lines.map(line).collect::<String>()
    };
    let (old, new) = (side('+'), side('-'));
    let places = text.match_indices(&old).count();
    assert_eq!(
        places,
        1,
        "{}: this stands {places} times in\n{text}\n{diff}",
        path.display()
    );
    text.replacen(&old, &new, 1)
}
