//! `ucanpay notify`: one notification, made and signed here, posted once or many times.

use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use ucanpay_storefront::UcanpayAccount;

use crate::{
    args::NotifyArguments,
    gateway::block_on,
    http::{Answer, Http, NoAnswer, Reply, url},
    notice::{Notice, Seal},
    outcome::{Done, Failure},
    spoil::spoiled,
};

/// The gateway's own patience is not stated.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(30);

pub(crate) fn notify(
    arguments: &NotifyArguments,
    account: &UcanpayAccount,
) -> Result<Done, Failure> {
    let seal = Seal::of(&arguments.about, account)?;
    let notice = notice(arguments, account)?;
    let body = match arguments.corrupt {
        Some(how) => spoiled(notice, how, &seal)?,
        None => notice.signed(&seal)?.body(),
    };
    if arguments.dry_run {
        return Ok(Done::new(format!("{body}\n")));
    }
    let url = url(&arguments.url)?;
    let http = Http::new(&url, TIMEOUT)?;
    let copies = stream::iter(0..arguments.repeat).map(|_| http.post(&url, body.clone()));
    let answers = copies.buffer_unordered(usize::try_from(arguments.concurrency).unwrap_or(1));
    let tally = answers.fold(Tally::default(), |tally, answer| async {
        tally.and(answer)
    });
    let tally = block_on(tally)?;
    if tally.unreached == arguments.repeat {
        let why = tally.said.first().map(|(said, _)| said.as_str());
        return Err(Failure::Later(
            why.unwrap_or("nobody was reached").to_owned(),
        ));
    }
    let code = u8::from(tally.taken < arguments.repeat);
    let text = if arguments.json {
        format!("{}\n", tally.to_json(arguments.repeat))
    } else {
        tally.to_text(arguments.repeat)
    };
    Ok(Done { text, code })
}

fn notice(arguments: &NotifyArguments, account: &UcanpayAccount) -> Result<Notice, Failure> {
    let mut notice = Notice::payment(&arguments.about, arguments.status.as_str(), account)?;
    if let (Some(refund), Some(amount)) = (&arguments.refund, arguments.refund_amount) {
        notice = notice
            .without("tradeStatus")
            .without("timeEnd")
            .with("refundAmt", amount.cents())
            .with("outRefundNo", refund.as_str())
            .with("ucpRefundNo", arguments.ucp_refund_no.as_str())
            .with("refundStatus", "SUCCESS");
    }
    for (name, value) in &arguments.overrides {
        notice = notice.overridden(name, value);
    }
    Ok(notice)
}

/// What all copies together brought.
#[derive(Default)]
struct Tally {
    taken: u32,
    unreached: u32,
    slowest: std::time::Duration,
    /// Each different answer, and how often it came.
    said: Vec<(String, u32)>,
}

impl Tally {
    fn and(mut self, answer: Result<Answer, NoAnswer>) -> Self {
        let said = match answer {
            Ok(answer) => {
                self.taken += u32::from(answer.reply() == Reply::Success);
                self.slowest = self.slowest.max(answer.took);
                answer.in_short()
            }
            Err(none) => {
                self.unreached += u32::from(none.unreached);
                none.why
            }
        };
        match self.said.iter_mut().find(|(known, _)| *known == said) {
            Some((_, times)) => *times += 1,
            None => self.said.push((said, 1)),
        }
        self
    }

    fn to_text(&self, sent: u32) -> String {
        let mut lines = String::new();
        for (said, times) in &self.said {
            lines.push_str(&format!("{times:>6}  {said}\n"));
        }
        let slowest = self.slowest.as_millis();
        format!(
            "{lines}\n{} of {sent} taken, the slowest answer after {slowest} ms\n",
            self.taken
        )
    }

    fn to_json(&self, sent: u32) -> Value {
        let said: Vec<Value> = self
            .said
            .iter()
            .map(|(said, times)| json!({"said": said, "times": times}))
            .collect();
        json!({
            "sent": sent,
            "taken": self.taken,
            "slowestMs": u64::try_from(self.slowest.as_millis()).unwrap_or(u64::MAX),
            "answers": said,
        })
    }
}
