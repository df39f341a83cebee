//! What a request is answered: nothing but a refusal during a block; otherwise what the gateway itself decides.

use crate::call::Call;
use crate::gateway::{CallAnswer, Change, Decision, Gateway};
use crate::message::Members;
use crate::refusal::{ErrorName, Refusal};

impl Gateway {
    /// Decides a request, which is refused already when its merchant or signature did not hold.
    pub(crate) fn answer(
        &self,
        call: Call,
        request: Result<Members, Refusal>,
        now: i64,
    ) -> Decision<CallAnswer> {
        if self.guard().blocks(now) {
            let reason = "blocked for a minute after too many bad requests in a row";
            return Decision::refused(Refusal::new(ErrorName::InvalidReqTooMuch, reason));
        }
        let mut decision = match request {
            Ok(members) => self.call(call, &members, now),
            Err(refusal) => Decision::refused(refusal),
        };
        let refused = decision.answer.as_ref().err().map(|refusal| refusal.name);
        let guard = self.guard().after(refused, self.terms.switches, now);
        if guard != self.guard() {
            decision.changes.push(Change::Guard(guard));
        }
        decision
    }
}
