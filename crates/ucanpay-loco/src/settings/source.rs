//! Where a setting's text comes from: the environment, or else the YAML.

use std::ffi::OsString;
use std::num::NonZeroU32;

use serde_json::{Map, Value};

use super::SettingError;

/// The settings as they were written. Each is asked for once; what is left at the end is nobody's.
pub(super) struct Source<'a> {
    written: Map<String, Value>,
    environment: &'a dyn Fn(&str) -> Option<OsString>,
    known: Vec<&'static str>,
}

/// A setting's text, and where it stands.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) place: String,
    pub(super) text: String,
}

impl Setting {
    /// An error that speaks of this setting.
    pub(super) fn is_wrong(
        &self,
        problem: impl Into<String>,
        advice: impl Into<String>,
    ) -> SettingError {
        SettingError::new(&self.place, problem, advice)
    }
}

impl<'a> Source<'a> {
    pub(super) fn new(
        settings: Option<&Value>,
        environment: &'a dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Self, SettingError> {
        let written = match settings.and_then(|settings| settings.get("ucanpay")) {
            // All of it may come from the environment.
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(written)) => written.clone(),
            Some(_) => {
                return Err(SettingError::new(
                    "settings.ucanpay",
                    "is not a block of settings",
                    "write one a line below it, such as `merchant_id: \"2000000010\"`",
                ));
            }
        };
        Ok(Self {
            written,
            environment,
            known: Vec::new(),
        })
    }

    /// A setting; `None` if it is written nowhere. An empty one counts as not written.
    pub(super) fn optional(&mut self, name: &'static str) -> Result<Option<Setting>, SettingError> {
        self.known.push(name);
        let written = self.written.remove(name);
        let variable = format!("UCANPAY_{}", name.to_uppercase());
        if let Some(value) = (self.environment)(&variable) {
            let text = value.into_string().map_err(|_| {
                SettingError::new(
                    &variable,
                    "is not UTF-8 text",
                    "write it in plain characters",
                )
            })?;
            if !text.trim().is_empty() {
                return Ok(Some(Setting {
                    place: variable,
                    text: text.trim().to_owned(),
                }));
            }
        }
        let place = format!("settings.ucanpay.{name}");
        let Some(text) = written.as_ref().map(text_of) else {
            return Ok(None);
        };
        let text = text.ok_or_else(|| {
            SettingError::new(
                &place,
                "is neither a text nor a list of texts",
                "write a text",
            )
        })?;
        let text = text.trim().to_owned();
        Ok((!text.is_empty()).then_some(Setting { place, text }))
    }

    pub(super) fn required(
        &mut self,
        name: &'static str,
        advice: &str,
    ) -> Result<Setting, SettingError> {
        self.optional(name)?.ok_or_else(|| {
            SettingError::new(format!("settings.ucanpay.{name}"), "is not set", advice)
        })
    }

    /// A setting that is one of a few words.
    pub(super) fn word<T: Copy>(
        &mut self,
        name: &'static str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, SettingError> {
        let Some(setting) = self.optional(name)? else {
            return Ok(None);
        };
        match words.iter().find(|(word, _)| *word == setting.text) {
            Some((_, meaning)) => Ok(Some(*meaning)),
            None => {
                let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
                Err(setting.is_wrong(
                    format!("is {:?}", setting.text),
                    format!("write {}", words.join(" or ")),
                ))
            }
        }
    }

    pub(super) fn count(&mut self, name: &'static str) -> Result<Option<NonZeroU32>, SettingError> {
        let Some(setting) = self.optional(name)? else {
            return Ok(None);
        };
        let number = setting.text.parse().map_err(|_| {
            setting.is_wrong(
                format!("is {:?}", setting.text),
                "write a whole number from 1",
            )
        })?;
        Ok(Some(number))
    }

    /// Refuses what nobody has asked for.
    pub(super) fn finish(self) -> Result<(), SettingError> {
        match self.written.keys().next() {
            None => Ok(()),
            Some(name) => Err(SettingError::new(
                format!("settings.ucanpay.{name}"),
                "is not known",
                format!("the settings are {}", self.known.join(", ")),
            )),
        }
    }
}

/// YAML takes an unquoted merchant number for a number.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(word) => Some(word.to_string()),
        Value::Array(list) => {
            let texts: Option<Vec<_>> = list.iter().map(Value::as_str).collect();
            Some(texts?.join(","))
        }
        Value::Object(_) => None,
    }
}
