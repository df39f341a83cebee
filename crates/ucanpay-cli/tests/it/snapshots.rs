//! What the program prints, as it stands in `tests/cmd`. `TRYCMD=overwrite cargo test -p ucanpay-cli snapshots` renews it;
//! look at the difference.

use crate::{gateway::settings, program::PROGRAM};

#[test]
fn what_is_printed_is_as_it_was() {
    let cases = trycmd::TestCases::new();
    cases.register_bin("ucanpay", trycmd::schema::Bin::Path(PROGRAM.into()));
    for (name, _) in settings("") {
        // Whatever the shell is set up for.
        cases.env(name, "");
    }
    cases.case("tests/cmd/*.trycmd");
}
