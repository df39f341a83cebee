//! What a request is answered, and in what shape: nothing but a refusal during a block; otherwise what the gateway itself
//! decides, unless the fault plan has something else in store.

use crate::call::Call;
use crate::faults::{Fault, Occasion, Place, Strike};
use crate::gateway::{CallAnswer, Change, Decision, Gateway};
use crate::guard::Guard;
use crate::message::Members;
use crate::refusal::{ErrorName, Refusal};
use crate::switches::Nonces;

/// An answer, and how it gets to the merchant.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) answer: CallAnswer,
    pub(crate) carriage: Carriage,
}

/// How an answer gets to the merchant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carriage {
    AsItIs,
    /// So many milliseconds late.
    Late(i64),
    /// The first half of it.
    Truncated,
    /// Not at all: the connection ends.
    Lost,
    /// With a signature that does not verify.
    BadlySigned,
    /// HTTP 429 in its place: to come again in so many milliseconds.
    ComeAgain(i64),
}

impl Gateway {
    /// Decides a request, which is refused already when its merchant or signature did not hold.
    pub(crate) fn answer(
        &self,
        call: Call,
        request: Result<Members, Refusal>,
        now: i64,
    ) -> Decision<Reply> {
        if self.guard().blocks(now) {
            return blocked().map(as_it_is);
        }
        let request = request.and_then(|members| self.with_a_new_nonce(members));
        let (mut decision, out_trade_no) = match request {
            Ok(members) => {
                let out_trade_no = members.text("outTradeNo").unwrap_or_default().to_owned();
                let mut decision = self.call(call, &members, now);
                if self.terms.switches.nonces == Nonces::Once {
                    let nonce = members.text("nonceStr").map(str::to_owned);
                    decision.changes.extend(nonce.map(Change::Nonce));
                }
                (decision, Some(out_trade_no))
            }
            Err(refusal) => (Decision::refused(refusal), None),
        };
        let refused = decision.answer.as_ref().err().map(|refusal| refusal.name);
        let guard = self.guard().after(refused, self.terms.switches, now);
        if guard != self.guard() {
            decision.changes.push(Change::Guard(guard));
        }
        let Some(out_trade_no) = out_trade_no else {
            return decision.map(as_it_is);
        };
        let occasion = Occasion {
            place: Place::Call,
            on: call.name(),
            out_trade_no,
        };
        let draw = self.faults.draw(occasion, |fault| {
            // A refusal is not signed.
            fault != Fault::CallCorruptSignature || refused.is_none()
        });
        let strike = draw.strike();
        let mut decision = match strike {
            Some(strike) => struck(strike, decision, now),
            None => decision.map(as_it_is),
        };
        decision.draws.push(draw);
        decision
    }

    fn with_a_new_nonce(&self, members: Members) -> Result<Members, Refusal> {
        if members
            .text("nonceStr")
            .is_some_and(|nonce| self.knows_nonce(nonce))
        {
            let reason = "nonceStr: an earlier request had it";
            return Err(Refusal::new(ErrorName::SignError, reason));
        }
        Ok(members)
    }
}

/// What becomes of a decision when a fault strikes it. The gateway decides without doing, so what the fault undoes has
/// not happened.
fn struck(strike: Strike, decided: Decision<CallAnswer>, now: i64) -> Decision<Reply> {
    let carried =
        |decided: Decision<CallAnswer>, carriage| decided.map(|answer| Reply { answer, carriage });
    match strike.fault {
        Fault::CallDelay => carried(decided, Carriage::Late(strike.wait)),
        Fault::CallTruncate => carried(decided, Carriage::Truncated),
        Fault::CallLostAnswer => carried(decided, Carriage::Lost),
        Fault::CallCorruptSignature => carried(decided, Carriage::BadlySigned),
        Fault::CallSystemErrorDone => decided.map(|_| as_it_is(Err(system_error()))),
        Fault::CallSystemErrorNotDone => Decision::refused(system_error()).map(as_it_is),
        Fault::CallTooManyRequests => carried(
            Decision::refused(system_error()),
            Carriage::ComeAgain(strike.wait),
        ),
        Fault::CallDrop => carried(Decision::refused(system_error()), Carriage::Lost),
        Fault::CallBlock => {
            let mut decision = blocked();
            decision.changes.push(Change::Guard(Guard::blocking(now)));
            decision.map(as_it_is)
        }
        // The plan draws faults of calls for calls.
        _ => carried(decided, Carriage::AsItIs),
    }
}

fn as_it_is(answer: CallAnswer) -> Reply {
    Reply {
        answer,
        carriage: Carriage::AsItIs,
    }
}

fn blocked() -> Decision<CallAnswer> {
    let reason = "every call is blocked for a minute after too many bad requests";
    Decision::refused(Refusal::new(ErrorName::InvalidReqTooMuch, reason))
}

fn system_error() -> Refusal {
    Refusal::new(ErrorName::SystemError, "the fault plan wants it so")
}
