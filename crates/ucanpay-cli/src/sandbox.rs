//! `ucanpay sandbox`: a gateway on this machine, and its buyer's two buttons.

use std::time::Duration;

use serde_json::Value;
use ucanpay_sandbox::command::{self, Serve};
use ucanpay_storefront::UcanpayAccount;

use crate::{
    args::{BuyerArguments, SandboxCommand},
    gateway::block_on,
    http::{Answer, Http, url},
    outcome::{Done, Failure, chain},
    report::printable,
};

const TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) fn execute(command: SandboxCommand, account: &UcanpayAccount) -> Result<Done, Failure> {
    match command {
        SandboxCommand::Serve(serve) => run(*serve),
        SandboxCommand::Pay(arguments) => press("pay", &arguments, account),
        SandboxCommand::Decline(arguments) => press("decline", &arguments, account),
        SandboxCommand::Notification(arguments) => notification(&arguments, account),
    }
}

fn run(serve: Serve) -> Result<Done, Failure> {
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::NotDone(format!("the sandbox cannot run: {error}")))?;
    command::log_to_stderr();
    match runtime.block_on(serve.run()) {
        Ok(()) => Ok(Done::new("")),
        Err(error) => Err(Failure::NotDone(chain(&error))),
    }
}

fn press(
    button: &str,
    arguments: &BuyerArguments,
    account: &UcanpayAccount,
) -> Result<Done, Failure> {
    let order = arguments.order.as_str();
    let shown = control(
        arguments,
        account,
        &format!("orders/{order}/{button}"),
        Some("{}"),
    )?;
    let status = shown["tradeStatus"].as_str().unwrap_or("unknown");
    Ok(Done::new(format!("{order} is {}\n", printable(status))))
}

fn notification(arguments: &BuyerArguments, account: &UcanpayAccount) -> Result<Done, Failure> {
    let order = arguments.order.as_str();
    let shown = control(arguments, account, &format!("orders/{order}"), None)?;
    let last = shown["deliveries"].as_array().and_then(|all| all.last());
    match last.and_then(|delivery| delivery["request"].as_str()) {
        Some(body) => Ok(Done::new(format!("{body}\n"))),
        None => Err(Failure::Refused(format!(
            "nobody has been notified about {order} yet"
        ))),
    }
}

/// One call of the sandbox's control API: a POST with a body, else a GET.
fn control(
    arguments: &BuyerArguments,
    account: &UcanpayAccount,
    path: &str,
    body: Option<&'static str>,
) -> Result<Value, Failure> {
    let base = match &arguments.sandbox {
        Some(base) => base.clone(),
        None => match account.written().optional("base_url")? {
            Some(base) => base.text().to_owned(),
            None => "http://127.0.0.1:8090".to_owned(),
        },
    };
    let url = url(&format!("{}/_sandbox/{path}", base.trim_end_matches('/')))?;
    let http = Http::new(&url, TIMEOUT)?;
    let answer = block_on(async {
        match body {
            Some(body) => http.post(&url, body).await,
            None => http.get(&url).await,
        }
    })?;
    let Answer { status, body, .. } = answer.map_err(|none| {
        Failure::Later(format!(
            "no sandbox was reached; `ucanpay sandbox serve` runs one: {}",
            none.why
        ))
    })?;
    let Ok(shown) = serde_json::from_str::<Value>(&body) else {
        let text = "what answered is no sandbox; look at --sandbox or UCANPAY_BASE_URL";
        return Err(Failure::NotDone(text.to_owned()));
    };
    match shown["error"]["message"].as_str() {
        Some(message) => Err(Failure::Refused(printable(message))),
        None if status == 200 => Ok(shown),
        None => Err(Failure::Refused(format!(
            "the sandbox answered HTTP {status}"
        ))),
    }
}
