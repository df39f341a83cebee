//! The small JSON writer: flat objects of text and whole numbers, members in the order they are given.

/// An object that is still open.
pub(crate) struct ObjectWriter {
    text: String,
}

impl ObjectWriter {
    pub(crate) fn new() -> Self {
        Self {
            text: "{".to_owned(),
        }
    }

    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        write_string(&mut self.text, value);
    }

    pub(crate) fn number(&mut self, name: &str, value: i64) {
        self.lexeme(name, &value.to_string());
    }

    /// A number whose characters are kept. `lexeme` was read as a JSON number.
    pub(crate) fn lexeme(&mut self, name: &str, lexeme: &str) {
        self.name(name);
        self.text.push_str(lexeme);
    }

    /// The object as it is so far, closed.
    pub(crate) fn to_json(&self) -> String {
        let mut text = self.text.clone();
        text.push('}');
        text
    }

    fn name(&mut self, name: &str) {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        write_string(&mut self.text, name);
        self.text.push(':');
    }
}

/// Escapes what JSON demands; all other characters stand as UTF-8.
fn write_string(text: &mut String, value: &str) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{0}'..='\u{1f}' => text.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => text.push(character),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::ObjectWriter;

    proptest! {
        #[test]
        fn another_reader_reads_back_what_was_written(name: String, text: String, number: i64) {
            prop_assume!(name != "n");
            let mut object = ObjectWriter::new();
            object.text(&name, &text);
            object.number("n", number);
            let read: serde_json::Value = serde_json::from_str(&object.to_json()).unwrap();
            prop_assert_eq!(&read[&name], &serde_json::json!(text));
            prop_assert_eq!(&read["n"], &serde_json::json!(number));
        }
    }
}
