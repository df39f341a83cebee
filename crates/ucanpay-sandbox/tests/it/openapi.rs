//! Each control call that the description has is made once well and once for something that is not there, and its answers are
//! held against their schemas.

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::merchant::{Served, config, http, order, refund};

const NOTIFY: &str = "http://127.0.0.1:9/ucanpay/payment";

/// With an unpaid order A1, and a paid one A2 whose refund R1 is under way.
async fn sandbox() -> Served {
    let sandbox = Served::start(config().with_driven_clock(SystemTime::now())).await;
    let path = "/payment/unifiedorder";
    sandbox.data(path, order("A1", NOTIFY)).await;
    let placed = sandbox.data(path, order("A2", NOTIFY)).await;
    sandbox.control("orders/A2/pay", "").await;
    let stuck = r#"{"faults":[{"fault":"refund.stuck"}]}"#;
    sandbox.control("faults", stuck).await;
    let request = refund(&placed, "R1", 100, NOTIFY);
    sandbox.data("/payment/refund", request).await;
    sandbox
}

async fn call(sandbox: &Served, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let method = reqwest::Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
    let request = http().request(method, format!("{}{path}", sandbox.base));
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let answer = request.body(body).send().await.unwrap();
    let status = answer.status().as_u16();
    (
        status,
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap(),
    )
}

/// The part of the document that `place` is, or refers to.
fn resolved<'a>(document: &'a Value, place: &'a Value) -> &'a Value {
    match place["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => place,
    }
}

/// A value is of the schema's kind, and has no member that the schema does not know; those that it knows are all there.
fn fits(document: &Value, schema: &Value, value: &Value, place: &str) {
    let schema = resolved(document, schema);
    let kinds = match &schema["type"] {
        Value::String(kind) => vec![kind.as_str()],
        Value::Array(kinds) => kinds.iter().map(|kind| kind.as_str().unwrap()).collect(),
        _ => return,
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let number = kind == "integer" && kinds.contains(&"number");
    assert!(
        number || kinds.contains(&kind),
        "{place}: {kind}, not {kinds:?}"
    );
    if let Some(choice) = schema["enum"].as_array() {
        assert!(
            value.is_null() || choice.contains(value),
            "{place}: {value}"
        );
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        fits(
            document,
            &schema["items"],
            item,
            &format!("{place}[{index}]"),
        );
    }
    let (Some(object), Some(properties)) = (value.as_object(), schema["properties"].as_object())
    else {
        return;
    };
    for (name, value) in object {
        let place = format!("{place}.{name}");
        let schema = properties
            .get(name)
            .unwrap_or_else(|| panic!("{place} is not described"));
        fits(document, schema, value, &place);
    }
    for name in properties.keys() {
        assert!(object.contains_key(name), "{place} has no {name}");
    }
}

/// The schema of this answer, which has to be described.
fn described<'a>(document: &'a Value, operation: &'a Value, status: u16, place: &str) -> &'a Value {
    let response = operation["responses"].get(status.to_string());
    let response = response.unwrap_or_else(|| panic!("{place}: {status} is not described"));
    &resolved(document, response)["content"]["application/json"]["schema"]
}

#[tokio::test]
async fn every_call_that_is_described_is_answered_as_described() {
    let document = sandbox().await.look("openapi.json").await;
    let mut calls = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let place = format!("{method} {path}");
            let body = match operation.get("requestBody") {
                Some(_) if path.ends_with("/clock") => json!({ "advance": "1s" }),
                Some(_) if path.ends_with("/faults") => {
                    json!({ "seed": 7, "faults": [{ "fault": "call.drop", "times": 0 }] })
                }
                Some(_) => json!({ "amount": 449, "notify_after": "1s" }),
                None => Value::Null,
            };
            let filled = |order: &str, refund: &str, id: &str| {
                path.replace("{out_trade_no}", order)
                    .replace("{out_refund_no}", refund)
                    .replace("{id}", id)
            };
            let sandbox = sandbox().await;
            // Where it is only looked at, something is to be seen.
            let order = if method == "get" { "A2" } else { "A1" };
            let (status, answer) = call(&sandbox, method, &filled(order, "R1", "1"), &body).await;
            assert_eq!(status, 200, "{place}: {answer}");
            fits(
                &document,
                described(&document, operation, 200, &place),
                &answer,
                &place,
            );
            calls += 1;
            if path.contains('{') {
                let (status, answer) =
                    call(&sandbox, method, &filled("Z9", "Z9", "99"), &body).await;
                assert_eq!(status, 404, "{place}: {answer}");
                fits(
                    &document,
                    described(&document, operation, 404, &place),
                    &answer,
                    &place,
                );
            }
            if !body.is_null() {
                let wrong = json!({ "nonsense": true });
                let (status, answer) =
                    call(&sandbox, method, &filled("A1", "R1", "1"), &wrong).await;
                assert_eq!(status, 400, "{place}: {answer}");
                fits(
                    &document,
                    described(&document, operation, 400, &place),
                    &answer,
                    &place,
                );
            }
        }
    }
    assert_eq!(calls, 18);
}
