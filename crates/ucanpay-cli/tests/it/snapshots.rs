//! What the program prints, as it stands in `tests/cmd`. `TRYCMD=overwrite cargo test -p ucanpay-cli snapshots` renews it;
//! look at the difference.

use crate::program::PROGRAM;

#[test]
fn what_is_printed_is_as_it_was() {
    trycmd::TestCases::new()
        .register_bin("ucanpay", trycmd::schema::Bin::Path(PROGRAM.into()))
        .env("NO_COLOR", "1")
        .case("tests/cmd/*.trycmd");
}
