//! A merchant whose signatures cost nothing, so that what is measured is everything else. For benchmarks alone: its
//! verifier believes whatever it is shown.

use bytes::Bytes;
use std::sync::{Arc, LazyLock};
use ucanpay_core::{
    Digest, Merchant, MerchantId, OrderQuery, OutTradeNo, PrivateKey, PublicKey, Signer,
    SigningError, Verifier,
};

#[derive(Debug)]
struct Stub(PublicKey);

impl Signer for Stub {
    fn sign(&self, _digest: Digest, _message: &[u8]) -> Result<Vec<u8>, SigningError> {
        Ok(vec![7; 256])
    }

    fn public_key(&self) -> &PublicKey {
        &self.0
    }

    fn backend(&self) -> &'static str {
        "stub"
    }
}

impl Verifier for Stub {
    fn verify(&self, _digest: Digest, _message: &[u8], _signature: &[u8]) -> bool {
        true
    }

    fn public_key(&self) -> &PublicKey {
        &self.0
    }

    fn backend(&self) -> &'static str {
        "stub"
    }
}

pub(crate) fn merchant() -> Merchant {
    let stub = || Stub(PrivateKey::generate(2048).unwrap().public_key().clone());
    let id = MerchantId::new("2000000010").unwrap();
    Merchant::with_signer(id, Arc::new(stub()), vec![Arc::new(stub())]).unwrap()
}

pub(crate) fn query() -> OrderQuery {
    OrderQuery {
        out_trade_no: OutTradeNo::new("T20260301A").unwrap(),
        ucp_order_no: None,
    }
}

/// The answer to [`query`], as long as a real one.
pub(crate) fn answer() -> Bytes {
    static ANSWER: LazyLock<Bytes> = LazyLock::new(|| {
        let sign = format!("{}==", "A".repeat(342)); // 256 bytes in base64
        format!(
            r#"{{"code":0,"msg":"SUCCESS","data":{{"merchantId":"2000000010","outTradeNo":"T20260301A","ucpOrderNo":"563465342654643","totalAmt":450,"tradeStatus":"SUCCESS","tranTime":"2026-03-01T12:00:04","nonceStr":"5K8264ILTKCH16CQ25S","signType":"RSA","sign":"{sign}"}},"timestamp":"2026-03-01T12:00:05Z"}}"#
        )
        .into()
    });
    ANSWER.clone()
}
