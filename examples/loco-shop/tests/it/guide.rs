//! The guide says what the shop does: each piece of code in it stands in the file it names.

use std::path::Path;

const GUIDE: &str = include_str!("../../../../docs/loco.md");

/// The pieces of the guide that name a file, with that file's name.
fn pieces() -> Vec<(&'static str, &'static str)> {
    let parts = GUIDE.split("\n<!-- ").skip(1);
    parts
        .map(|part| {
            let (file, rest) = part
                .split_once(" -->\n```")
                .expect("a piece follows its file");
            let (_, rest) = rest.split_once('\n').unwrap();
            let (piece, _) = rest.split_once("\n```").expect("a piece has an end");
            (file, piece)
        })
        .collect()
}

#[test]
fn each_piece_of_the_guide_stands_in_the_file_it_names() {
    let pieces = pieces();
    assert!(pieces.len() >= 15, "{}", pieces.len());
    for (file, piece) in pieces {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(piece), "not in {file}:\n{piece}");
    }
}

#[test]
fn only_commands_stand_in_the_guide_without_a_file() {
    let fences = GUIDE.lines().filter(|line| line.starts_with("```")).count() / 2;
    let commands = GUIDE.matches("\n```console\n").count();
    assert_eq!(fences, commands + pieces().len());
}

#[test]
fn the_guide_has_ten_steps() {
    let steps: Vec<_> = GUIDE
        .lines()
        .filter_map(|line| line.strip_prefix("## ")?.split_once(". "))
        .map(|(number, _)| number.parse::<u32>().unwrap())
        .collect();
    assert_eq!(steps, (1..=10).collect::<Vec<_>>());
}
