//! A text as a QR code.

use crate::program::run;

#[test]
fn a_code_is_drawn_on_the_terminal_with_its_quiet_zone() {
    let drawn = run(&["qr", "https://pay.example"], b"");
    assert_eq!(drawn.code, 0);
    let lines: Vec<&str> = drawn.stdout.lines().collect();
    let width = lines[0].chars().count();
    assert!(lines.iter().all(|line| line.chars().count() == width));
    assert_eq!(lines.len(), width.div_ceil(2));
    assert!(lines[0].chars().all(|c| c == '█'), "{}", lines[0]);
    assert_eq!(run(&["qr"], b"https://pay.example\n").stdout, drawn.stdout);
}

#[test]
fn pictures_are_written_by_their_ending_and_never_over_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for (name, begins) in [("pay.svg", &b"<svg "[..]), ("pay.PNG", b"\x89PNG")] {
        let path = file(name);
        let run = run(&["qr", "--out", &path, "https://pay.example"], b"");
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(std::fs::read(&path).unwrap().starts_with(begins));
    }
    // 25 modules, twice four at the edges, eight dots each.
    let decoder = png::Decoder::new(std::io::Cursor::new(
        std::fs::read(file("pay.PNG")).unwrap(),
    ));
    let mut reader = decoder.read_info().unwrap();
    let mut dots = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut dots).unwrap();
    assert_eq!((info.width, info.height), (264, 264));
    let at = |x: usize, y: usize| dots[y * 264 + x];
    // The corner of the finder pattern is dark, the quiet zone before it light.
    assert_eq!(
        (at(31, 31), at(32, 32), at(87, 87), at(88, 88)),
        (255, 0, 0, 255)
    );

    for (name, said) in [
        ("pay.svg", "is not overwritten"),
        ("pay.gif", "end it in .svg or .png"),
    ] {
        let run = run(&["qr", "--out", &file(name), "x"], b"");
        assert_eq!(run.code, 2);
        assert!(run.stderr.contains(said), "{}", run.stderr);
    }
    assert!(
        run(&["qr", &"x".repeat(3000)], b"")
            .stderr
            .contains("do not fit")
    );
}

#[test]
fn nothing_is_not_drawn_as_a_code() {
    for (arguments, stdin) in [
        (&["qr"][..], &b""[..]),
        (&["qr"], b" \n"),
        (&["qr", ""], b""),
    ] {
        let run = run(arguments, stdin);
        assert_eq!((run.code, &*run.stdout), (2, ""), "{arguments:?}");
        assert!(run.stderr.contains("no text to draw"), "{}", run.stderr);
    }
}
