//! What stands around `data`: `code`, `msg` and `timestamp`, none of it signed.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::TimeForm;
use crate::message::Members;
use crate::refusal::Refusal;
use crate::switches::{CodeAs, DataAs, NameIn, Switches};

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
        msg: "SUCCESS",
        data,
        timestamp: timestamp(switches, now),
    })
}

/// The answer to a refused call: a name and no `data`.
pub(crate) fn refused(refusal: &Refusal, switches: Switches, now: i64) -> String {
    let name = refusal.name.as_str();
    let mut envelope = match switches.name_in {
        NameIn::Msg => json!({ "code": code(1, switches), "msg": name }),
        NameIn::Code => json!({ "code": name, "msg": refusal.reason }),
        NameIn::ErrCode => {
            json!({ "code": code(1, switches), "msg": refusal.reason, "errCode": name })
        }
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
