//! The same app on PostgreSQL.

use loco_rs::app::Hooks as _;
use sea_orm_migration::MigratorTrait as _;

use crate::app::{App, Bench, Migrator, Told, until};

private_postgres::tests! {
    an_app_takes_payments_there_too;
    an_app_without_the_tables_says_what_to_run;
}

async fn an_app_takes_payments_there_too() {
    let mut bench = Bench::new().await;
    bench.config["database"]["uri"] = private_postgres::database().await.into();
    let app = bench.start().await;
    app.paid("A1").await;
    let told = Told::of(&app.ctx);
    until(async || told.kinds().contains(&"payment_succeeded".to_owned())).await;
    Migrator::up(&app.ctx.db, None).await.unwrap();
    let refused = Migrator::down(&app.ctx.db, None).await.unwrap_err();
    assert!(refused.to_string().contains("holds payments"), "{refused}");
    assert_eq!(app.status("A1").await["paid"], true);
    App::on_shutdown(&app.ctx).await;
}

async fn an_app_without_the_tables_says_what_to_run() {
    let mut bench = Bench::new().await;
    bench.config["database"]["uri"] = private_postgres::database().await.into();
    bench.config["database"]["auto_migrate"] = false.into();
    let Err(error) = bench.boot().await else {
        panic!("it started");
    };
    let error = error.to_string();
    assert!(error.contains("cargo loco db migrate"), "{error}");
}
