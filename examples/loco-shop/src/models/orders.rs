//! Orders: what is bought, for how much, under which number; and the kitchen's ticket, once it is paid.

use loco_rs::model::{ModelError, ModelResult};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict, Query};
use sea_orm::{
    ActiveModelBehavior, ColumnTrait as _, DatabaseConnection, EntityTrait as _, QueryFilter as _,
};
use ucanpay_storefront::Reference;

use crate::menu::Basket;

pub use super::_entities::orders::{ActiveModel, Column, Entity, Model};

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Writes the order, once: placed again under the same number, it is the order that is there.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn place(
        db: &DatabaseConnection,
        number: &Reference,
        basket: &Basket,
    ) -> ModelResult<Self> {
        let order = ActiveModel {
            number: Set(number.to_string()),
            items: Set(basket.to_string()),
            cents: Set(basket.cents()),
            ..Default::default()
        };
        let once = OnConflict::column(Column::Number).do_nothing().to_owned();
        Entity::insert(order)
            .on_conflict(once)
            .exec_without_returning(db)
            .await?;
        Self::find(db, number.as_str())
            .await?
            .ok_or(ModelError::EntityNotFound)
    }

    /// The order of this number.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn find(db: &DatabaseConnection, number: &str) -> ModelResult<Option<Self>> {
        let found = Entity::find().filter(Column::Number.eq(number));
        Ok(found.one(db).await?)
    }

    /// Gives the order the next ticket for the kitchen, unless it has one. `false` if there was nothing to give.
    ///
    /// # Errors
    /// If the database does not answer, or somebody else took the same ticket at this moment: try again.
    pub async fn give_ticket(db: &DatabaseConnection, number: &str) -> ModelResult<bool> {
        let highest = Query::select()
            .expr(Expr::col(Column::Ticket).max().if_null(0).add(1))
            .from(Entity)
            .to_owned();
        let given = Entity::update_many()
            .col_expr(
                Column::Ticket,
                Expr::SubQuery(None, Box::new(highest.into())),
            )
            .filter(Column::Number.eq(number))
            .filter(Column::Ticket.is_null())
            .exec(db)
            .await?;
        Ok(given.rows_affected > 0)
    }
}
