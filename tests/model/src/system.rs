//! The whole: the ledger, two instances, the gateway, the wire between them, a buyer and a shop; and what may happen next.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use stateright::{Model, Property};
use ucanpay_storefront::RefundState;
use ucanpay_storefront::provider::Source;

use crate::bug::Bug;
use crate::gateway::{Answer, Gateway, REFUNDS, RefundSaid, Said, Trouble, Wire, Word};
use crate::laws::Law;
use crate::ledger::{Ask, Book, NONE, Row, Told};
use crate::moments;
use crate::scene::{May, Scene, Start};
use crate::worker::{Call, Stage, Task};

/// Everything there is at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// What the ledger holds of the payment.
    pub row: Row,
    /// The account's block, as committed.
    pub blocked: bool,
    /// How often `PaymentSucceeded` was told; 2 stands for more.
    pub succeeded: u8,
    /// The gateway.
    pub gateway: Gateway,
    /// Calls that are on their way, and whose sender waits no more.
    pub astray: u8,
    /// What each instance is at.
    pub tasks: [Option<Task>; 2],
    /// The refunds that were asked for by the shop, or are owed.
    pub wished: u8,
    /// The law that was broken: nothing happens any more.
    pub broken: Option<Law>,
}

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The shop starts the payment, at this instance.
    Start(usize),
    /// The shop closes it.
    Close(usize),
    /// The shop reverses it.
    Reverse(usize),
    /// The shop asks for this refund, at this instance.
    Refund(usize, usize),
    /// The reconciler of this instance finds this row due.
    Take(usize, usize),
    /// The task of this instance reads its row.
    Read(usize),
    /// Its call leaves, or the gate holds it back.
    Leave(usize),
    /// Its call arrives and is answered.
    Arrive(usize),
    /// No answer; the call may still arrive.
    Silence(usize),
    /// An unsigned word instead of an answer; the call may still arrive.
    Unsigned(usize, Trouble),
    /// The gateway blocks the account instead of doing it.
    Block(usize),
    /// The task commits what came back, and what follows from it.
    Commit(usize),
    /// The process of this instance ends, and begins anew.
    Crash(usize),
    /// A call whose sender waits no more arrives.
    Astray(usize),
    /// A notification comes, and is committed.
    Notice(usize),
    /// A mistake: a notification is acknowledged, and the process ends.
    AcknowledgedOnly(usize),
    /// The lease of this row runs out.
    LeaseEnds(usize),
    /// Ten minutes have passed since this refund failed, and no repeat of its call is on its way any more.
    TenMinutes(usize),
    /// The time for the payment is up.
    TimeIsUp,
    /// The block is over.
    BlockEnds,
    /// The buyer pays.
    Pay,
    /// The buyer begins to pay.
    Begin,
    /// The buyer's attempt fails.
    Fail,
    /// The gateway comes to the end of this refund.
    Refunded(usize, RefundSaid),
    /// A person closes the discrepancy at this place.
    Person(usize),
}

/// The whole, as a model to be searched.
#[derive(Clone, Debug)]
pub struct System {
    pub(crate) scene: Scene,
    pub(crate) bug: Option<Bug>,
    /// The ledger.
    pub book: Book,
    /// States that are known to settle.
    pub(crate) calm: Arc<Mutex<HashSet<State>>>,
}

const WIRES: [Wire; 3 + REFUNDS] = [
    Wire::Place,
    Wire::Close,
    Wire::Reverse,
    Wire::Refund(0),
    Wire::Refund(1),
];

impl State {
    /// The task of this instance is over.
    pub(crate) fn rest(&mut self, who: usize) {
        self.tasks[who] = None;
    }

    fn stray(&mut self, call: Wire) {
        if let Some(place) = WIRES.iter().position(|wire| *wire == call) {
            self.astray |= 1 << place;
        }
    }

    /// The calls on their way whose sender waits no more.
    pub fn strays(&self) -> impl Iterator<Item = Wire> {
        let on_its_way = |place: &usize| self.astray & (1 << place) != 0;
        (0..WIRES.len())
            .filter(on_its_way)
            .map(|place| WIRES[place])
    }
}

impl System {
    /// This part, with this mistake in it.
    pub fn new(scene: Scene, bug: Option<Bug>) -> Self {
        Self {
            scene,
            bug,
            book: Book::new(bug, scene.late, scene.cents),
            calm: Arc::default(),
        }
    }

    /// A call comes to the gateway.
    fn arrives(&self, state: &mut State, call: Wire) -> Answer {
        let stood = state.gateway.refunds;
        let answer = state.gateway.hear(call, self.fits());
        self.law_of_refunds(state, stood);
        answer
    }

    /// Whether the task still has its row by its own clock. A refund's lease may have been taken from it as well, of which it
    /// knows nothing.
    fn has_time(&self, state: &State, who: usize, on: usize) -> bool {
        if state.row == NONE {
            return true;
        }
        let view = self.book.view(state.row);
        match on {
            0 => moments::holds(&view, on, who),
            _ => !moments::ran_out(&view, on, who),
        }
    }

    /// Whether a call for this refund is on its way, or anybody is at its row.
    fn on_its_way(state: &State, n: usize) -> bool {
        state.strays().any(|wire| wire == Wire::Refund(n))
            || state.tasks.iter().flatten().any(|task| task.on == n + 1)
    }

    fn fits(&self) -> usize {
        if self.scene.cents == 100 { 2 } else { 1 }
    }

    fn start(&self) -> State {
        let mut state = State {
            row: NONE,
            blocked: false,
            succeeded: 0,
            gateway: Gateway::NEW,
            astray: 0,
            tasks: [None; 2],
            wished: 0,
            broken: None,
        };
        if self.scene.start == Start::Nothing {
            return state;
        }
        self.commit(&mut state, Ask::Create(0));
        self.commit(&mut state, Ask::Observe(Source::Answer, Word::Placed, 0, 0));
        state.gateway.order = Some(Said::NotPaid);
        match self.scene.start {
            Start::Paid => {
                state.gateway.pay();
                self.commit(&mut state, Ask::Notice(Word::Payment(Said::Paid)));
            }
            Start::Closed => {
                state.gateway.order = Some(Said::Closed);
                state.gateway.ended = true;
                self.commit(&mut state, Ask::Close(0, false));
                let closed = Word::Payment(Said::Closed);
                self.commit(&mut state, Ask::Observe(Source::Query, closed, 0, 0));
            }
            Start::Placed | Start::Nothing => {}
        }
        state
    }

    /// Carries out what happens.
    pub(crate) fn step(&self, state: &mut State, action: Action) {
        match action {
            Action::Start(who) => {
                if self.bug == Some(Bug::SendBeforeIntent) {
                    let at = Stage::Ready(Call::Place);
                    let read = NONE;
                    state.tasks[who] = Some(Task { on: 0, read, at });
                } else {
                    self.leased(state, who, 0, Ask::Create(who));
                }
            }
            Action::Close(who) => self.leased(state, who, 0, Ask::Close(who, false)),
            Action::Reverse(who) => self.leased(state, who, 0, Ask::Reverse(who)),
            Action::Refund(who, n) => {
                state.wished |= 1 << n;
                if self.bug == Some(Bug::CheckThenAct) {
                    let at = Stage::Checked(n);
                    let (on, read) = (n + 1, state.row);
                    state.tasks[who] = Some(Task { on, read, at });
                } else {
                    self.leased(state, who, n + 1, Ask::RequestRefund(n, who));
                }
            }
            Action::Take(who, on) => self.leased(state, who, on, Ask::TakeDue(on, who)),
            Action::Crash(who) => {
                if let Some(task) = state.tasks[who].take() {
                    if let Stage::Out(call) = task.at {
                        state.stray(call.wire());
                    }
                    self.commit(state, Ask::Orphan(task.on, who));
                }
            }
            Action::Read(who)
            | Action::Leave(who)
            | Action::Arrive(who)
            | Action::Silence(who)
            | Action::Unsigned(who, _)
            | Action::Block(who)
            | Action::Commit(who) => {
                if let Some(task) = state.tasks[who] {
                    self.step_of(state, who, task, action);
                }
            }
            Action::Astray(place) => {
                state.astray &= !(1 << place);
                self.arrives(state, WIRES[place]);
            }
            Action::Notice(place) => {
                self.commit(state, Ask::Notice(Gateway::NOTICES[place]));
            }
            Action::AcknowledgedOnly(_) => {
                state.broken = Some(Law::CommitBeforeAcknowledgement);
            }
            Action::LeaseEnds(on) => {
                self.commit(state, Ask::LeaseEnds(on));
            }
            Action::TenMinutes(n) => {
                self.commit(state, Ask::TenMinutes(n));
            }
            Action::TimeIsUp => {
                self.commit(state, Ask::TimeIsUp);
            }
            Action::BlockEnds => state.blocked = false,
            Action::Pay => state.gateway.pay(),
            Action::Begin => state.gateway.order = Some(Said::Paying),
            Action::Fail => state.gateway.order = Some(Said::Failed),
            Action::Refunded(n, said) => state.gateway.finish(n, said),
            Action::Person(place) => {
                self.commit(state, Ask::Settle(place));
            }
        }
    }

    fn leased(&self, state: &mut State, who: usize, on: usize, ask: Ask) {
        if self.commit(state, ask).told == Told::Leased {
            let (read, at) = (state.row, Stage::Leased);
            state.tasks[who] = Some(Task { on, read, at });
        }
    }

    fn step_of(&self, state: &mut State, who: usize, task: Task, action: Action) {
        let at = |state: &mut State, at| state.tasks[who] = Some(Task { at, ..task });
        match (task.at, action) {
            (Stage::Leased, Action::Read(_)) => self.load(state, who, task),
            (Stage::Ready(call), Action::Leave(_)) => {
                let looks = self.bug != Some(Bug::BlockOfOneInstance) || who == 0;
                if state.blocked && looks {
                    return at(state, Stage::Back(call, Answer::Error(Trouble::Later)));
                }
                let moves_money =
                    matches!(call.wire(), Wire::Refund(_) | Wire::Close | Wire::Reverse);
                if moves_money && !self.has_time(state, who, task.on) {
                    return at(state, Stage::Back(call, Answer::Error(Trouble::Later)));
                }
                self.law_of_calls(state, call.wire());
                at(state, Stage::Out(call));
            }
            (Stage::Out(call), Action::Arrive(_)) => {
                let answer = self.arrives(state, call.wire());
                at(state, Stage::Back(call, answer));
            }
            (Stage::Out(call), Action::Silence(_)) => {
                state.stray(call.wire());
                at(state, Stage::Back(call, Answer::Error(Trouble::Unclear)));
            }
            (Stage::Out(call), Action::Unsigned(_, trouble)) => {
                // ORDERPAID says that it was not done; forged or not, it is not done later.
                if trouble != Trouble::NotThisWay {
                    state.stray(call.wire());
                }
                at(state, Stage::Back(call, Answer::Error(trouble)));
            }
            (Stage::Out(call), Action::Block(_)) => {
                at(state, Stage::Back(call, Answer::Error(Trouble::Blocked)));
            }
            (Stage::Back(call, answer), Action::Commit(_)) => {
                self.take_in(state, who, task, call, answer);
            }
            (Stage::OwesRefund, Action::Commit(_)) => self.refund_late(state, who, task),
            (Stage::Checked(n), Action::Commit(_)) => {
                state.row = task.read;
                self.leased(state, who, task.on, Ask::RequestRefund(n, who));
                if state.tasks[who].is_some_and(|task| task.at != Stage::Leased) {
                    state.rest(who);
                }
            }
            _ => {}
        }
    }

    fn shop(&self, state: &State, actions: &mut Vec<Action>, who: usize) {
        if state.row == NONE {
            return actions.push(Action::Start(who));
        }
        let view = self.book.view(state.row);
        for on in 0..=REFUNDS {
            if moments::is_due(&view, on) {
                actions.push(Action::Take(who, on));
            }
        }
        if self.scene.may(May::Close) {
            actions.push(Action::Close(who));
        }
        if self.scene.may(May::Reverse) {
            actions.push(Action::Reverse(who));
        }
        for n in 0..self.scene.refunds {
            let asked = moments::refund(&view, n).map(|refund| refund.state);
            if asked.is_none_or(|state| state == RefundState::Failed) {
                actions.push(Action::Refund(who, n));
            }
        }
    }

    fn task(&self, task: Task, actions: &mut Vec<Action>, who: usize) {
        match task.at {
            Stage::Leased => actions.push(Action::Read(who)),
            Stage::Ready(_) => actions.push(Action::Leave(who)),
            Stage::Out(call) => {
                actions.push(Action::Arrive(who));
                if self.scene.may(May::Silence) {
                    actions.push(Action::Silence(who));
                }
                if self.scene.may(May::Unsigned) {
                    actions.push(Action::Unsigned(who, Trouble::AskFirst));
                    if matches!(call, Call::EndCancel(_)) {
                        actions.push(Action::Unsigned(who, Trouble::NotThisWay));
                    }
                }
                if self.scene.may(May::Block) {
                    actions.push(Action::Block(who));
                }
            }
            Stage::Back(..) | Stage::OwesRefund | Stage::Checked(_) => {
                actions.push(Action::Commit(who));
            }
        }
        if self.scene.may(May::Crash) {
            actions.push(Action::Crash(who));
        }
    }

    fn outside(&self, state: &State, actions: &mut Vec<Action>) {
        let gateway = &state.gateway;
        let place = |wire: &Wire| WIRES.iter().position(|other| other == wire);
        actions.extend(
            state
                .strays()
                .filter_map(|wire| place(&wire))
                .map(Action::Astray),
        );
        let sent = (0..Gateway::NOTICES.len()).filter(|place| gateway.sent & (1 << place) != 0);
        for place in sent {
            actions.push(Action::Notice(place));
            if self.bug == Some(Bug::AcknowledgeBeforeCommit) {
                actions.push(Action::AcknowledgedOnly(place));
            }
        }
        if state.blocked {
            actions.push(Action::BlockEnds);
        }
        let attempts = self.scene.may(May::Attempts);
        match gateway.order {
            Some(Said::NotPaid | Said::Failed) => {
                if self.scene.may(May::Pay) {
                    actions.push(Action::Pay);
                }
                if attempts {
                    actions.push(Action::Begin);
                }
            }
            Some(Said::Paying) => actions.extend([Action::Pay, Action::Fail]),
            Some(Said::Closed) if self.scene.may(May::PayLate) => actions.push(Action::Pay),
            _ => {}
        }
        for n in (0..REFUNDS).filter(|n| gateway.refunds[*n] == Some(RefundSaid::Processing)) {
            actions.push(Action::Refunded(n, RefundSaid::Succeeded));
            if self.scene.may(May::RefundFails) {
                actions.push(Action::Refunded(n, RefundSaid::Failed));
            }
            if self.scene.may(May::RefundCloses) {
                actions.push(Action::Refunded(n, RefundSaid::Closed));
            }
        }
    }

    fn time_and_people(&self, state: &State, actions: &mut Vec<Action>) {
        if state.row == NONE {
            return;
        }
        let view = self.book.view(state.row);
        if self.bug != Some(Bug::LeaseWithoutEnd) {
            let leased = (0..=REFUNDS).filter(|on| moments::is_leased(&view, *on));
            actions.extend(leased.map(Action::LeaseEnds));
        }
        let quiet = (0..REFUNDS).filter(|n| {
            moments::refund(&view, *n).is_some_and(moments::failed_lately)
                && !Self::on_its_way(state, *n)
        });
        actions.extend(quiet.map(Action::TenMinutes));
        let open = view.payment.expires_at > moments::NOW && !view.payment.state.is_settled();
        if self.scene.may(May::Expire) && open {
            actions.push(Action::TimeIsUp);
        }
        if self.scene.may(May::Person) {
            let rows = view.discrepancies.iter().enumerate();
            let open = rows.filter(|(_, row)| row.is_open());
            actions.extend(open.map(|(place, _)| Action::Person(place)));
        }
    }
}

impl Model for System {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![self.start()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if state.broken.is_some() {
            return;
        }
        for who in 0..self.scene.instances {
            match state.tasks[who] {
                None => self.shop(state, actions, who),
                Some(task) => self.task(task, actions, who),
            }
        }
        self.outside(state, actions);
        self.time_and_people(state, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = *last;
        self.step(&mut state, action);
        if state.broken.is_none() {
            state.broken = self.broken(last.row, &state);
        }
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(HOLDS, |_, state: &State| state.broken.is_none()),
            Property::always(SETTLES, |system: &Self, state| system.settles(state)),
        ]
    }
}

/// The property that no law is ever broken.
pub const HOLDS: &str = "every law holds";
/// The property that whatever has happened, the ledger agrees with the gateway soon after the faults end.
pub const SETTLES: &str = "it settles";
