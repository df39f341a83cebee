//! What stands around `data`: `code`, `msg` and `timestamp`, none of it signed.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::Call;
use crate::clock::TimeForm;
use crate::descriptions;
use crate::message::Members;
use crate::refusal::Refusal;
use crate::switches::{CodeAs, DataAs, NameIn, Switches};

const ACCEPTED: &str = "SUCCESS";

#[derive(Serialize)]
struct Accepted<'a, D> {
    code: Value,
    msg: &'static str,
    data: &'a D,
    timestamp: String,
}

/// An answer or a notification with its signed `data`.
pub(crate) fn around(
    data: &Members,
    switches: Switches,
    now: i64,
) -> Result<String, serde_json::Error> {
    match switches.data_as {
        DataAs::Object => accepted(data, switches, now),
        DataAs::String => accepted(&serde_json::to_string(data)?, switches, now),
    }
}

fn accepted<D: Serialize>(
    data: &D,
    switches: Switches,
    now: i64,
) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Accepted {
        code: code(0, switches),
        msg: ACCEPTED,
        data,
        timestamp: timestamp(switches, now),
    })
}

/// The members that stand around the `data` of an answer or a notification, as a signature may cover them.
pub(crate) fn outer(switches: Switches, now: i64) -> Members {
    let members = Members::default()
        .with("msg", ACCEPTED)
        .with("timestamp", timestamp(switches, now));
    match switches.code_as {
        CodeAs::Number => members.with_number("code", 0),
        CodeAs::String => members.with("code", "0"),
    }
}

/// The answer to a refused call: a name and no `data`.
pub(crate) fn refused(refusal: &Refusal, call: Call, switches: Switches, now: i64) -> String {
    let name = refusal.name.as_str();
    let described = |text| json!({ "code": code(1, switches), "msg": text });
    let mut envelope = match switches.name_in {
        NameIn::Msg => described(name),
        NameIn::Code => json!({ "code": name, "msg": refusal.reason }),
        NameIn::ErrCode => {
            json!({ "code": code(1, switches), "msg": refusal.reason, "errCode": name })
        }
        NameIn::Chinese => described(descriptions::chinese(refusal.name, call)),
        NameIn::English => described(descriptions::english(refusal.name, call)),
    };
    envelope["timestamp"] = timestamp(switches, now).into();
    envelope.to_string()
}

/// The members of `data` of an envelope written by [`around`].
pub(crate) fn data_of(envelope: &str) -> Option<Members> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Data {
        Text(String),
        Members(Value),
    }
    #[derive(Deserialize)]
    struct Opened {
        data: Data,
    }
    let opened: Opened = serde_json::from_str(envelope).ok()?;
    // Numbers that the sandbox writes are whole, and are written again as they were.
    let data = match opened.data {
        Data::Text(text) => text,
        Data::Members(members) => members.to_string(),
    };
    Members::read(&data).ok()
}

fn code(number: i32, switches: Switches) -> Value {
    match switches.code_as {
        CodeAs::Number => number.into(),
        CodeAs::String => number.to_string().into(),
    }
}

fn timestamp(switches: Switches, now: i64) -> String {
    switches.time(now, TimeForm::WithOffset)
}
