//! Run with `cargo run -p loco-shop -- start`.

use std::path::Path;

use loco_rs::cli;
use loco_shop::{App, Migrator};

#[tokio::main]
async fn main() -> loco_rs::Result<()> {
    // From wherever in the repository it is started, the shop finds its own configuration.
    if !Path::new("config/development.yaml").exists() {
        std::env::set_current_dir(env!("CARGO_MANIFEST_DIR"))?;
    }
    std::fs::create_dir_all("data")?;
    cli::main::<App, Migrator>().await
}
