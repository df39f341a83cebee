//! A pay link as a picture, for a phone to scan off a screen.

use std::fmt::Write as _;

use qrcode::{Color, QrCode};

/// The light margin that scanners need around the code, in modules.
const QUIET_ZONE: usize = 4;

/// The text as a QR code: an SVG element to be put into a page as it is.
///
/// One module is one unit of its `viewBox`, the quiet zone is part of it, and its edges stay sharp at any size: give it
/// one in the page's style, at least three pixels a module (about 17 rem for a pay link). Without a style it is 240
/// pixels wide.
///
/// ```
/// use ucanpay_core::qr;
///
/// let picture = qr::svg("https://pay.example/?link=https://pay.example/pay")?;
/// let page = format!("<main><p>Scan to pay</p>{picture}</main>");
/// assert!(page.contains(r#"<svg xmlns="http://www.w3.org/2000/svg" width="240" height="240""#));
/// assert!(qr::svg(&"a".repeat(5000)).is_err());
/// # Ok::<(), qr::QrError>(())
/// ```
///
/// # Errors
///
/// [`QrError`] when the text is longer than a QR code can hold, about 2300 bytes.
pub fn svg(text: &str) -> Result<String, QrError> {
    let code = QrCode::new(text).map_err(|_| QrError { bytes: text.len() })?;
    let size = code.width() + 2 * QUIET_ZONE;
    let path = path(&code.to_colors(), code.width());
    Ok(format!(
        concat!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="240" height="240" viewBox="0 0 {size} {size}" shape-rendering="crispEdges">"##,
            r##"<path fill="#fff" d="M0 0h{size}v{size}H0z"/>"##,
            r##"<path d="{path}"/></svg>"##,
        ),
        size = size,
        path = path
    ))
}

/// The dark modules, row by row: each run of neighbours is one rectangle, `M x y h n v1 h-n z`, and stands relative to
/// the one before, which is shorter. About half of what absolute coordinates for each module take.
fn path(modules: &[Color], width: usize) -> String {
    let mut path = String::new();
    // Where the pen is: a closed rectangle leaves it where it began.
    let (mut at_x, mut at_y) = (0, 0);
    for (y, row) in modules.chunks(width).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|one, next| one == next) {
            let n = run.len();
            if run[0] == Color::Dark {
                let command = match (x + QUIET_ZONE, y + QUIET_ZONE) {
                    (x, y) if y == at_y => format!("m{} 0", x - at_x),
                    (x, y) => format!("M{x} {y}"),
                };
                (at_x, at_y) = (x + QUIET_ZONE, y + QUIET_ZONE);
                write!(path, "{command}h{n}v1h-{n}z").expect("writing to a String cannot fail");
            }
            x += n;
        }
    }
    path
}

/// The text does not fit into a QR code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{bytes} bytes do not fit into a QR code; shorten the item's name")]
pub struct QrError {
    bytes: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As long as the pay link of an order.
    fn link() -> String {
        format!("https://pay.example/?link={}", "a%3Db%26".repeat(25))
    }

    /// Fills the rectangles of a path, as a browser does, on a square of this many modules.
    fn painted(path: &str, size: usize) -> Vec<bool> {
        let mut square = vec![false; size * size];
        let (mut x, mut y) = (0, 0);
        for rectangle in path.split_terminator('z') {
            let (start, sides) = rectangle.split_once('h').unwrap();
            let (dx, dy) = start[1..].split_once(' ').unwrap();
            let (dx, dy): (usize, usize) = (dx.parse().unwrap(), dy.parse().unwrap());
            (x, y) = match &start[..1] {
                "M" => (dx, dy),
                "m" => (x + dx, y + dy),
                other => panic!("{other}"),
            };
            let (n, back) = sides.split_once("v1h-").unwrap();
            assert_eq!(n, back, "the rectangle closes");
            let from = y * size + x;
            square[from..from + n.parse::<usize>().unwrap()].fill(true);
        }
        square
    }

    #[test]
    fn what_is_painted_is_the_code_with_its_quiet_zone() {
        for text in ["a", "https://ucanpaydev.page.link/?link=x", &link()] {
            let code = QrCode::new(text).unwrap();
            let size = code.width() + 2 * QUIET_ZONE;
            let painted = painted(&path(&code.to_colors(), code.width()), size);
            for (at, dark) in painted.iter().enumerate() {
                let inside = |at: usize| at.checked_sub(QUIET_ZONE).filter(|x| *x < code.width());
                let expected = match (inside(at % size), inside(at / size)) {
                    (Some(x), Some(y)) => code[(x, y)] == Color::Dark,
                    _ => false,
                };
                assert_eq!(*dark, expected, "{text}: module {at}");
            }
        }
    }

    #[test]
    fn the_picture_of_a_pay_link_is_small_and_sharp() {
        let svg = svg(&link()).unwrap();
        assert!(svg.len() < 12_000, "{} bytes", svg.len());
        assert!(
            svg.starts_with("<svg ") && svg.contains("crispEdges"),
            "{svg}"
        );
    }
}
