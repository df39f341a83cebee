//! `cfg(browser)`, for the tests alone: there is a browser.

fn main() {
    find_browser::tell_cargo();
}
