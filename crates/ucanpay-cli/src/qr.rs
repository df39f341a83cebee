//! `ucanpay qr`: a pay link as a code on the terminal, or as a picture.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

use qrcode::{Color, QrCode};
use ucanpay_core::qr;

use crate::{
    args::QrArguments,
    input::{self, about},
    outcome::{Done, Failure},
};

/// The light margin that scanners need, in modules.
const QUIET_ZONE: usize = 4;
/// Of a picture of dots, each module this many wide and high.
const DOTS: usize = 8;

pub(crate) fn qr(arguments: &QrArguments, stdin: &mut dyn Read) -> Result<Done, Failure> {
    let text = match arguments.text.as_deref().filter(|text| *text != "-") {
        Some(text) => text.to_owned(),
        None => input::text(stdin)?,
    };
    if text.trim().is_empty() {
        // As what a pipe brings whose command has failed: a code of nothing would look like one to pay by.
        let text = "there is no text to draw: give the link, or send it to standard input";
        return Err(Failure::NotDone(text.to_owned()));
    }
    let Some(file) = &arguments.out else {
        return Ok(Done::new(blocks(&Modules::of(&text)?)));
    };
    let ending = file.extension().and_then(|ending| ending.to_str());
    let picture = match ending.map(str::to_ascii_lowercase).as_deref() {
        Some("svg") => qr::svg(&text)
            .map_err(|error| Failure::NotDone(error.to_string()))?
            .into_bytes(),
        Some("png") => png(&Modules::of(&text)?)?,
        _ => {
            let text = "the picture's kind is told by its name: end it in .svg or .png".to_owned();
            return Err(about(file, text));
        }
    };
    write(file, &picture).map_err(|error| {
        about(
            file,
            match error.kind() {
                io::ErrorKind::AlreadyExists => "exists, and is not overwritten".to_owned(),
                _ => format!("cannot be written: {error}"),
            },
        )
    })?;
    Ok(Done::new(format!("{}\n", file.display())))
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    let written = file.write_all(bytes);
    if written.is_err() {
        // Half a picture would be in the way of the next attempt.
        let _ = fs::remove_file(path);
    }
    written
}

/// The dark and light squares of a code, its quiet zone included.
struct Modules {
    code: QrCode,
    size: usize,
}

impl Modules {
    fn of(text: &str) -> Result<Self, Failure> {
        let code = QrCode::new(text).map_err(|_| {
            Failure::NotDone(format!("{} bytes do not fit into a QR code", text.len()))
        })?;
        let size = code.width() + 2 * QUIET_ZONE;
        Ok(Self { code, size })
    }

    fn is_dark(&self, x: usize, y: usize) -> bool {
        let inside = |at: usize| {
            at.checked_sub(QUIET_ZONE)
                .filter(|at| *at < self.code.width())
        };
        match (inside(x), inside(y)) {
            (Some(x), Some(y)) => self.code[(x, y)] == Color::Dark,
            _ => false,
        }
    }
}

/// Two rows of modules to a line of half blocks. The light ones are drawn, since most terminals are dark.
fn blocks(modules: &Modules) -> String {
    let mut text = String::new();
    for y in (0..modules.size).step_by(2) {
        for x in 0..modules.size {
            let below = y + 1 < modules.size && !modules.is_dark(x, y + 1);
            text.push(match (!modules.is_dark(x, y), below) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        text.push('\n');
    }
    text
}

fn png(modules: &Modules) -> Result<Vec<u8>, Failure> {
    let failed = |error: png::EncodingError| {
        Failure::NotDone(format!("the picture cannot be made: {error}"))
    };
    let width = modules.size * DOTS;
    let side =
        u32::try_from(width).map_err(|_| Failure::NotDone("the code is too large".to_owned()))?;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let dots: Vec<u8> = (0..width * width)
        .map(|at| {
            if modules.is_dark(at % width / DOTS, at / width / DOTS) {
                0
            } else {
                255
            }
        })
        .collect();
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&dots).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}
