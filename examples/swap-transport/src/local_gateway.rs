//! What the three ways have in common: the sandbox on a free loopback port, a merchant, and an order.

use std::error::Error;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use ucanpay_core::{
    Amount, Currency, Description, DeviceNo, Merchant, MerchantId, NotifyUrl, OrderQuery,
    OutTradeNo, PrivateKey, SceneType, Subject, UnifiedOrder,
};
use ucanpay_sandbox::{Sandbox, SandboxConfig};
use ucanpay_transport::Client;

const MERCHANT: &str = "2000000010";

/// The gateway's sandbox, which ends with this value, and a merchant that it knows.
pub struct LocalGateway {
    /// Where it listens.
    pub url: String,
    /// Whoever calls it.
    pub merchant: Merchant,
    server: JoinHandle<std::io::Result<()>>,
}

impl LocalGateway {
    /// Starts it on a free port of 127.0.0.1, with keys made on the spot.
    ///
    /// # Errors
    ///
    /// When it cannot listen.
    pub async fn start() -> Result<Self, Box<dyn Error>> {
        let merchant_key = PrivateKey::generate(2048)?;
        let platform_key = PrivateKey::generate(2048)?;
        let config = SandboxConfig::new(
            MERCHANT,
            merchant_key.public_key().clone(),
            platform_key.clone(),
        );
        let merchant = Merchant::new(
            MerchantId::new(MERCHANT)?,
            merchant_key,
            [platform_key.public_key().clone()],
        )?;
        let sandbox = Sandbox::open(config).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let server =
            tokio::spawn(async move { sandbox.serve(listener, std::future::pending()).await });
        Ok(Self {
            url,
            merchant,
            server,
        })
    }
}

impl Drop for LocalGateway {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Places an order for a coffee and asks for it. The answer is the order's number at the gateway, and its state.
///
/// # Errors
///
/// Those of the client: `Error::effect` says what is known about the order.
pub(crate) async fn place_and_query(
    client: &Client,
    order: &str,
) -> Result<(String, String), Box<dyn Error>> {
    let out_trade_no = OutTradeNo::new(order)?;
    let placed = client
        .call(&UnifiedOrder {
            subject: Subject::new("coffee")?,
            description: Description::new("two flat whites")?,
            device_no: DeviceNo::new("till-1")?,
            total_amount: Amount::new(450)?,
            scene: SceneType::Native,
            out_trade_no: out_trade_no.clone(),
            currency: Currency::CAD,
            notify_url: NotifyUrl::new("http://127.0.0.1:9/ucanpay/payment")?,
        })
        .await?;
    let number = placed
        .ucp_order_no
        .clone()
        .ok_or("an order without a number")?;
    let query = OrderQuery {
        out_trade_no,
        ucp_order_no: None,
    };
    let state = client.call(&query).await?;
    let state = state
        .trade_status
        .as_ref()
        .ok_or("an order without a state")?;
    Ok((number, state.as_str().to_owned()))
}
