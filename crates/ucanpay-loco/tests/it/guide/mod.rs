//! The guide, docs/loco.md, taken step by step: its commands are run, its files made, its changes made word for word; what
//! comes of it is built, started, and bought from.

mod newcomer;
mod page;

use std::time::Duration;

use newcomer::Newcomer;
use page::{Piece, steps};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "builds an app of its own: minutes, where loco was not built for it before"]
async fn whoever_follows_the_guide_has_a_paid_order_after_ten_steps() {
    let mut newcomer = Newcomer::new();
    let steps = steps();
    assert_eq!(steps.len(), 10);
    for step in steps {
        for piece in step {
            match piece {
                Piece::Commands(commands) => {
                    for command in commands {
                        newcomer.types(command).await;
                    }
                }
                Piece::File { path, text } => newcomer.writes(path, text),
                Piece::Change { path, diff } => newcomer.changes(path, diff),
            }
        }
    }
    assert_eq!(newcomer.paid_orders, 1, "the last step is a paid order");
    newcomer.stops(Duration::from_secs(20)).await;
}
