//! The plug-in's routes, behind loco's middleware and shown by `cargo loco routes`.

use axum::body::Body;
use axum::response::Response;
use axum::routing::MethodRouter;
use futures_util::StreamExt as _;
use loco_rs::app::AppContext;
use loco_rs::controller::Routes;
use ucanpay_axum::payments_routes;

use crate::plugin::Plugin;

/// The routes under `/ucanpay`, for `AppRoutes::add_route`: those of [`ucanpay_axum::payments_router`], which says what each
/// does. Under a prefix of the app's, the prefix stands in `notify_base_url` as well.
///
/// None, if [`after_context`](crate::after_context) was not called: [`UcanpayInitializer`](crate::UcanpayInitializer) then
/// does not let the app start.
///
/// ```
/// use loco_rs::app::AppContext;
/// use loco_rs::controller::AppRoutes;
///
/// // In `impl Hooks for App`:
/// fn routes(ctx: &AppContext) -> AppRoutes {
///     AppRoutes::with_default_routes().add_route(ucanpay_loco::routes(ctx))
/// }
/// ```
pub fn routes(ctx: &AppContext) -> Routes {
    let routes = Routes::new().prefix("/ucanpay");
    let Ok(plugin) = Plugin::of(ctx) else {
        return routes;
    };
    payments_routes(&plugin.payments)
        .into_iter()
        .fold(routes, |routes, (path, method)| {
            let method = match path.ends_with("/events") {
                true => until_shutdown(method, plugin.clone()),
                false => method,
            };
            routes.add(path, method)
        })
}

/// A page that waits for news of its payment would keep the server from stopping.
fn until_shutdown(method: MethodRouter<AppContext>, plugin: Plugin) -> MethodRouter<AppContext> {
    method.layer(axum::middleware::map_response(move |response: Response| {
        let stopped = plugin.stopped();
        async move {
            response.map(|body| {
                let stopped = Box::pin(stopped);
                Body::from_stream(body.into_data_stream().take_until(stopped))
            })
        }
    }))
}
