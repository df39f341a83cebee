//! Every other command that a page shows, word for word: the README's, the project's own, and those of going live. What
//! cannot stand in a page, the address of a shop and the numbers of its order, is put in its place.

use std::{fs, path::Path};

use crate::{
    gateway::{Gateway, settings},
    program::{key, run, vectors},
    shop::Shop,
    walk::shell,
};

const README: &str = include_str!("../../README.md");
const PROJECT: &str = include_str!("../../../../README.md");
const GOING_LIVE: &str = include_str!("../../../../docs/going-live.md");

/// The blocks of commands of a page in which something stands.
fn blocks<'a>(page: &'a str, language: &str, with: &str) -> Vec<&'a str> {
    let begin = format!("\n```{language}\n");
    let blocks = page.split(begin.as_str()).skip(1);
    let blocks = blocks.map(|rest| rest.split("\n```").next().unwrap());
    blocks.filter(|block| block.contains(with)).collect()
}

/// Runs these commands as they stand; what they print.
fn said(commands: &str, folder: &Path, variables: &[(&str, String)]) -> String {
    let mut shell = shell(commands, folder);
    shell.envs(variables.iter().map(|(name, value)| (name, value)));
    let output = shell.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{commands}\nsays\n{said}");
    said
}

/// The files that the pages' commands read, all but the merchant's own key, which the first command makes.
fn prepare(folder: &Path) {
    let file = |name: &str, text: &[u8]| fs::write(folder.join(name), text).unwrap();
    let platform = fs::read(key("platform-2048.pub.pem")).unwrap();
    file("ucanpay.pub.pem", &platform);
    file("platform.pub.pem", &platform);
    file("secret.txt", b"a secret of the merchant\n");
    file("notification.json", vector("genuine").as_bytes());
    let order = br#"{"merchantId":"2000000010","outTradeNo":"A1","totalAmt":450}"#;
    file("order.json", order);
    file(
        "refund.json",
        br#"{"merchantId":"2000000010","outRefundNo":"R1","refundAmt":150}"#,
    );
    let signer = key("platform-2048.pkcs8.pem");
    let set = ["sign", "--key", &signer, "--set", "without-sign-type,empty"];
    let signed = run(&set, br#"{"outTradeNo":"A1","attach":"","signType":"RSA"}"#);
    assert_eq!(signed.code, 0, "{}", signed.stderr);
    file("otherwise.json", signed.stdout.as_bytes());
}

fn vector(name: &str) -> String {
    let vectors = vectors("notifications");
    let mut cases = vectors["cases"].as_array().unwrap().iter();
    let case = cases.find(|case| case["name"] == name).unwrap();
    case["body"].as_str().unwrap().to_owned()
}

#[test]
fn the_commands_about_keys_and_signatures_go_word_for_word() {
    for page in [README, GOING_LIVE] {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        let blocks = blocks(page, "sh", "key generate");
        assert_eq!(blocks.len(), 1);
        for line in blocks[0].lines().filter(|line| !line.is_empty()) {
            let printed = said(line, folder.path(), &[]);
            let command = line.split_whitespace().nth(1);
            let expected = match command.unwrap() {
                "key" if line.contains("match") => "belong together",
                "key" if line.contains("show") => "0eb60c27dc3703f9",
                "key" => "",
                "canonical" => "merchantId=2000000010&outTradeNo=A1&totalAmt=450",
                "sign" if line.contains("--only-sign") => "==",
                "sign" => r#""sign":"#,
                "verify" => "verified: ",
                "explain" => "It verifies with the platform key 0eb60c27dc3703f9",
                other => panic!("{other} is not looked at"),
            };
            assert!(printed.contains(expected), "{line}\nprints\n{printed}");
        }
    }
}

#[test]
fn an_order_whose_bytes_are_kept_first_is_placed_word_for_word() {
    let gateway = Gateway::open(|config| config);
    let folder = tempfile::tempdir().unwrap();
    let blocks = blocks(README, "sh", "--dry-run");
    assert_eq!(blocks.len(), 1);
    let printed = said(blocks[0], folder.path(), &settings(&gateway.base));
    assert!(printed.contains("Nothing is paid yet."), "{printed}");
}

#[test]
fn a_shop_is_probed_word_for_word() {
    let gateway = Gateway::open(|config| config);
    let shop = Shop::open(&gateway);
    let order = shop.place(&gateway);
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("ucanpay-sandbox")).unwrap();
    let signer = folder.path().join("ucanpay-sandbox/platform.pem");
    fs::copy(key("platform-2048.pkcs8.pem"), signer).unwrap();

    let blocks = blocks(README, "sh", "ucanpay probe");
    assert_eq!(blocks.len(), 1);
    let mut commands = blocks[0].to_owned();
    for (shown, here) in [
        ("http://127.0.0.1:3000", &shop.base),
        ("A2", &order.number),
        ("450", &order.amount),
        ("377654578511872", &order.ucp_order_no),
    ] {
        assert!(commands.contains(shown), "{shown}");
        commands = commands.replace(shown, here);
    }
    let printed = said(&commands, folder.path(), &settings(&gateway.base));
    assert!(
        printed.contains("29 met, 0 not met, 0 not told"),
        "{printed}"
    );
}

#[test]
fn the_projects_page_shows_what_explain_says() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let own = folder.path().join("merchant.pem");
    fs::copy(key("merchant-2048.pkcs8.pem"), own).unwrap();
    let body = vector("no pre-hash");
    fs::write(folder.path().join("notification.json"), body).unwrap();
    let blocks = blocks(PROJECT, "console", "ucanpay explain");
    assert_eq!(blocks.len(), 1);
    let (command, shown) = blocks[0].split_once('\n').unwrap();
    let command = command.strip_prefix("$ ").unwrap();
    assert_eq!(said(command, folder.path(), &[]).trim_end(), shown);
}
