//! A pay link as a picture, for a phone to scan off a screen.

use qrcode::{QrCode, render::svg};

/// The text as a QR code: an SVG element with a quiet zone, at least 240 pixels wide, to be put into a page as it is.
///
/// # Errors
///
/// [`QrError`] when the text is longer than a QR code can hold, about 2300 bytes.
pub fn svg(text: &str) -> Result<String, QrError> {
    let code = QrCode::new(text).map_err(|_| QrError { bytes: text.len() })?;
    let image = code
        .render::<svg::Color<'_>>()
        .min_dimensions(240, 240)
        .build();
    // Inside a page the XML declaration would be a syntax error.
    let element = image.find("<svg").map_or(image.as_str(), |at| &image[at..]);
    Ok(element.to_owned())
}

/// The text does not fit into a QR code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{bytes} bytes do not fit into a QR code; shorten the item's name")]
pub struct QrError {
    bytes: usize,
}
