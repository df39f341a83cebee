//! What can be asked for. The doc comments here are the texts of `--help`.

mod calls;
mod checks;
mod notices;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use ucanpay_core::{SignatureScheme, SignedSet};

pub(crate) use self::calls::{
    EndArguments, LinkArguments, OrderArguments, OrderCommand, PlaceArguments, QrArguments,
    RefundArguments, RefundCommand, RefundQueryArguments,
};
use self::calls::{calls, doctor};
pub(crate) use self::checks::{CompletionsArguments, DoctorArguments};
use self::notices::SANDBOX;
pub(crate) use self::notices::{
    About, BuyerArguments, NotifyArguments, ProbeArguments, SandboxCommand, Spoiling,
};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the answer is no: the message is refused, or the keys do not belong together
  2  not done: wrong usage, or a file or a key that cannot be read or written";

const ALL_EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the answer is no: refused, not belonging together, or not as it should be
  2  not done: wrong usage, or a file, key or setting that cannot be used
  3  outcome unknown: a call may have had its effect; query before anything else
  4  nothing happened, and it may go well later: not reached, limited, blocked or busy";

/// Behind the help of pay links.
fn link() -> String {
    format!(
        "Settings, from the environment: UCANPAY_SCENE, and those that begin with UCANPAY_PAY_LINK; `ucanpay order --help` lists \
         them.\n\n{EXIT_CODES}"
    )
}

/// UCanPay payments from the command line: keys and signatures, calls of the gateway, and a gateway to try them on.
#[derive(Debug, Parser)]
#[command(name = "ucanpay", version, after_help = ALL_EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make, show and compare RSA keys
    #[command(subcommand, after_help = EXIT_CODES)]
    Key(KeyCommand),
    /// Print the canonical string of a flat JSON object, with no line break added
    #[command(after_help = EXIT_CODES)]
    Canonical(CanonicalArguments),
    /// Sign a flat JSON object: print it with `sign` set, all else as it stands
    #[command(after_help = EXIT_CODES)]
    Sign(SignArguments),
    /// Verify a flat object, an answer or a notification
    #[command(after_help = EXIT_CODES)]
    Verify(VerifyArguments),
    /// Show what is signed in a message, and find the setting that makes it verify
    #[command(
        after_help = EXIT_CODES,
        long_about = "Show what is signed in a message, and find the setting that makes it verify.\n\n\
                      The output holds the canonical string, and with it the values of the message; it never holds a key or a secret."
    )]
    Explain(ExplainArguments),
    /// Place, query, close or reverse an order
    #[command(subcommand, after_help = calls())]
    Order(OrderCommand),
    /// Request a refund, or ask what became of one
    #[command(subcommand, after_help = calls())]
    Refund(RefundCommand),
    /// Print the pay link of an order; nothing is sent
    #[command(after_help = link())]
    Link(LinkArguments),
    /// Show a text as a QR code, on the terminal or as a picture
    #[command(after_help = EXIT_CODES)]
    Qr(QrArguments),
    /// Run a gateway on this machine, and play its buyer
    #[command(subcommand, after_help = SANDBOX)]
    Sandbox(SandboxCommand),
    /// Post a notification, signed in the gateway's name with a test key, to an endpoint of yours
    Notify(Box<NotifyArguments>),
    /// Attack an endpoint of yours with forged and genuine notifications, and tell what it does wrong
    #[command(
        long_about = "Attack an endpoint of yours with forged and genuine notifications, and tell what it does wrong.\n\n\
                      It works against an endpoint in any language. It needs an order that is placed and not paid, and the \
                      private half of a key that the endpoint takes for the gateway's: a test system, never the real one. \
                      At the end the order is paid."
    )]
    Probe(Box<ProbeArguments>),
    /// Say whether everything is set up to take payments, and what to do where it is not
    #[command(after_help = doctor())]
    Doctor(DoctorArguments),
    /// Print what makes a shell complete this program's words
    #[command(after_help = EXIT_CODES)]
    Completions(CompletionsArguments),
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a new private key: write it to a file for its owner only, print the public key
    #[command(after_help = EXIT_CODES)]
    Generate {
        /// Size in bits, 1024 to 4096
        #[arg(long, default_value_t = 2048)]
        bits: usize,
        /// Where the private key goes (PKCS#8 PEM); a file that exists is never overwritten
        #[arg(long, value_name = "FILE", default_value = "merchant.pem")]
        out: PathBuf,
    },
    /// Say what a key file holds; a private key itself is never shown
    #[command(after_help = EXIT_CODES)]
    Show {
        /// PEM, base64 or DER; private or public
        file: PathBuf,
    },
    /// Say whether two files hold the same key, or the two halves of one
    #[command(after_help = EXIT_CODES)]
    Match {
        /// PEM, base64 or DER; private or public
        one: PathBuf,
        /// PEM, base64 or DER; private or public
        other: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Message {
    /// The JSON message; standard input when left out or `-`
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// The signed set, as it is configured: documented, or some of without-sign-type, envelope, empty, null-as-nothing,
    /// null-as-text, percent, form with commas between them; a flat object has no envelope
    #[arg(long = "set", value_name = "WORDS", default_value = "documented")]
    pub(crate) signed: SignedSet,
}

#[derive(Debug, Args)]
pub(crate) struct CanonicalArguments {
    #[command(flatten)]
    pub(crate) set: Set,
    #[command(flatten)]
    pub(crate) message: Message,
}

#[derive(Debug, Args)]
pub(crate) struct SignArguments {
    /// The private key
    #[arg(long, value_name = "FILE", required_unless_present = "md5_secret_file")]
    pub(crate) key: Option<PathBuf>,
    /// In place of a key: a file that holds the secret of the keyed MD5 signature, and nothing else but a line break
    #[arg(long, value_name = "FILE", allow_hyphen_values = true, conflicts_with_all = ["key", "scheme", "path"])]
    pub(crate) md5_secret_file: Option<PathBuf>,
    /// The signature scheme: documented, single, sha1, md5-rsa, prehash-sha1, prehash-md5-rsa, prehash-hex, path-suffixed
    #[arg(long, value_name = "NAME", default_value = "documented", value_parser = scheme)]
    pub(crate) scheme: SignatureScheme,
    #[command(flatten)]
    pub(crate) set: Set,
    /// The path of the call, such as /payment/unifiedorder; for the scheme path-suffixed
    #[arg(long)]
    pub(crate) path: Option<String>,
    /// Print the value of `sign` alone
    #[arg(long)]
    pub(crate) only_sign: bool,
    #[command(flatten)]
    pub(crate) message: Message,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// The public key of whoever should have signed; may be given several times
    #[arg(long, value_name = "FILE", required_unless_present = "md5_secret_file")]
    pub(crate) key: Vec<PathBuf>,
    /// In place of keys: a file that holds the secret of the keyed MD5 signature, and nothing else but a line break
    #[arg(long, value_name = "FILE", allow_hyphen_values = true, conflicts_with_all = ["key", "scheme", "path"])]
    pub(crate) md5_secret_file: Option<PathBuf>,
    /// The signature scheme: documented, single, sha1, md5-rsa, prehash-sha1, prehash-md5-rsa, prehash-hex, path-suffixed
    #[arg(long, value_name = "NAME", default_value = "documented", value_parser = scheme)]
    pub(crate) scheme: SignatureScheme,
    #[command(flatten)]
    pub(crate) set: Set,
    /// The path that was appended; for the scheme path-suffixed
    #[arg(long)]
    pub(crate) path: Option<String>,
    /// Refuse a message that names another merchant
    #[arg(long, value_name = "ID")]
    pub(crate) merchant: Option<String>,
    /// Refuse what is not a complete notification in its envelope
    #[arg(long)]
    pub(crate) notification: bool,
    #[command(flatten)]
    pub(crate) message: Message,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// A public key that may be the gateway's; may be given several times
    #[arg(long, value_name = "FILE", required_unless_present_any = ["own_key", "md5_secret_file"])]
    pub(crate) key: Vec<PathBuf>,
    /// The merchant's own key, either half, to find out that a message is one's own
    #[arg(long, value_name = "FILE")]
    pub(crate) own_key: Option<PathBuf>,
    /// The scheme that is configured
    #[arg(long, value_name = "NAME", default_value = "documented", value_parser = scheme)]
    pub(crate) scheme: SignatureScheme,
    #[command(flatten)]
    pub(crate) set: Set,
    /// A path to try, besides those of the six calls
    #[arg(long)]
    pub(crate) path: Option<String>,
    /// A file that holds the secret of the keyed MD5 signature, and nothing else but a line break
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    pub(crate) md5_secret_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) message: Message,
}

fn scheme(name: &str) -> Result<SignatureScheme, String> {
    SignatureScheme::by_name(name)
        .ok_or_else(|| "there is no scheme of that name; --help lists them".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory};

    use super::Arguments;

    /// The words of every command below this one.
    fn commands(command: &Command, words: &str, all: &mut Vec<String>) {
        for command in command.get_subcommands() {
            let words = format!("{words} {}", command.get_name());
            all.push(words.clone());
            commands(command, &words, all);
        }
    }

    #[test]
    fn the_help_of_every_command_has_a_snapshot() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cmd/help.trycmd");
        let snapshots = std::fs::read_to_string(path).unwrap();
        let mut all = Vec::new();
        commands(&Arguments::command(), "ucanpay", &mut all);
        assert!(all.len() > 20, "{all:?}");
        for words in all {
            assert!(
                snapshots.contains(&format!("$ {words} --help\n")),
                "{words}"
            );
        }
    }

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Arguments::command().debug_assert();
    }
}
