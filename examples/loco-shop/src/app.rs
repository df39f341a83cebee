//! The shop's part in each of loco's hooks.

use std::path::Path;

use async_trait::async_trait;
use loco_rs::Result;
use loco_rs::app::{AppContext, Hooks, Initializer};
use loco_rs::bgworker::Queue;
use loco_rs::boot::{BootResult, StartMode, create_app};
use loco_rs::config::Config;
use loco_rs::controller::AppRoutes;
use loco_rs::environment::Environment;
use loco_rs::task::Tasks;
use sea_orm::EntityTrait as _;
use ucanpay_loco::UcanpayInitializer;

use crate::controllers;
use crate::initializers::gateway::LocalGateway;
use crate::migrator::Migrator;
use crate::models::orders;
use crate::workers::fulfilment::Fulfilment;

/// The shop.
pub struct App;

#[async_trait]
impl Hooks for App {
    fn app_name() -> &'static str {
        env!("CARGO_CRATE_NAME")
    }

    async fn boot(
        mode: StartMode,
        environment: &Environment,
        config: Config,
    ) -> Result<BootResult> {
        create_app::<Self, Migrator>(mode, environment, config).await
    }

    async fn after_context(ctx: AppContext) -> Result<AppContext> {
        // Its keys must be there before the plug-in reads them.
        LocalGateway::make_keys(&ctx).await?;
        ucanpay_loco::after_context(ctx)
    }

    fn routes(ctx: &AppContext) -> AppRoutes {
        AppRoutes::with_default_routes()
            .add_route(controllers::menu::routes())
            .add_route(controllers::orders::routes())
            .add_route(ucanpay_loco::routes(ctx))
    }

    async fn initializers(ctx: &AppContext) -> Result<Vec<Box<dyn Initializer>>> {
        Ok(vec![
            Box::new(LocalGateway),
            Box::new(UcanpayInitializer::worker::<Fulfilment>(ctx)),
        ])
    }

    async fn connect_workers(_: &AppContext, _: &Queue) -> Result<()> {
        // Fulfilment is told by the ledger's outbox, not by a queue.
        Ok(())
    }

    fn register_tasks(tasks: &mut Tasks) {
        ucanpay_loco::register_tasks(tasks);
    }

    async fn truncate(ctx: &AppContext) -> Result<()> {
        // The shop's own table only: what was paid stays in the ledger.
        orders::Entity::delete_many().exec(&ctx.db).await?;
        Ok(())
    }

    async fn seed(_: &AppContext, _: &Path) -> Result<()> {
        Ok(())
    }

    async fn on_shutdown(ctx: &AppContext) {
        ucanpay_loco::on_shutdown(ctx).await;
        // The last calls of the ledger may still have been out at the gateway, so that goes last.
        LocalGateway::stop(ctx).await;
    }
}
