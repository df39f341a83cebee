//! Whether everything is set up, and what a shell completes.

use clap::Args;
use clap_complete::Shell;

#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    /// Look at settings and keys only; ask nobody on the network
    #[arg(long)]
    pub(crate) offline: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell that is to complete
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}
