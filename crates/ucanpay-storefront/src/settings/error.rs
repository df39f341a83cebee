//! A setting that cannot be used.

/// A setting that cannot be used: which, what is wrong with it, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting} {problem}; {advice}")]
pub struct SettingError {
    setting: String,
    problem: String,
    advice: String,
}

impl SettingError {
    /// An error about the setting at this place. It reads `{setting} {problem}; {advice}`, so the problem begins with a
    /// verb: `is not set`.
    ///
    /// ```
    /// use ucanpay_storefront::SettingError;
    ///
    /// let error = SettingError::new("BIRCH_SECRET_FILE", "is not set", "name the file with the secret");
    /// assert_eq!(error.to_string(), "BIRCH_SECRET_FILE is not set; name the file with the secret");
    /// assert_eq!(error.setting(), "BIRCH_SECRET_FILE");
    /// ```
    pub fn new(
        setting: impl Into<String>,
        problem: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            setting: setting.into(),
            problem: problem.into(),
            advice: advice.into(),
        }
    }

    /// Where it stands: `UCANPAY_MERCHANT_ID`, `settings.ucanpay.merchant_id`.
    pub fn setting(&self) -> &str {
        &self.setting
    }

    /// What is wrong, as the sentence goes on after the setting: `is not set`.
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// What to do.
    pub fn advice(&self) -> &str {
        &self.advice
    }
}
