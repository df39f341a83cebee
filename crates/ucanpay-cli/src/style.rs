//! Colours, on terminals only.

use std::io::IsTerminal as _;

/// What a word means, and so its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    Good,
    Doubtful,
    Bad,
}

/// Whether standard output takes colours: it is a terminal, and `NO_COLOR` is not set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    coloured: bool,
}

impl Style {
    pub(crate) fn of_stdout() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            coloured: !unwanted && std::io::stdout().is_terminal(),
        }
    }

    /// The text, filled up to `width` columns.
    pub(crate) fn paint(self, text: &str, width: usize, colour: Colour) -> String {
        if !self.coloured {
            return format!("{text:width$}");
        }
        let code = match colour {
            Colour::Good => 32,
            Colour::Doubtful => 33,
            Colour::Bad => 31,
        };
        format!("\x1b[{code}m{text:width$}\x1b[0m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_coloured_for_a_terminal_and_as_wide_as_without() {
        let plain = Style { coloured: false }.paint("met", 5, Colour::Good);
        let coloured = Style { coloured: true }.paint("met", 5, Colour::Good);
        assert_eq!(plain, "met  ");
        assert_eq!(coloured, "\x1b[32mmet  \x1b[0m");
    }
}
