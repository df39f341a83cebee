//! Errors for a person at a terminal.

/// The error and its causes in one line. A cause that an error tells already is not told twice.
pub(crate) fn in_one_line(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        if !line.ends_with(&told) {
            line.push_str(": ");
            line.push_str(&told);
        }
        cause = error.source();
    }
    line
}

/// The error in words, as one of loco's: what ends the app is shown as it is written down, not as a person would say it.
pub(crate) fn told(error: impl std::error::Error) -> loco_rs::Error {
    loco_rs::Error::Message(in_one_line(&error))
}
