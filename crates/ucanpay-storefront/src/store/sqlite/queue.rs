//! Commands wait here for the one writer, and share its transaction: group commit.
//!
//! A commit on disk costs the same for one decision as for a hundred. Whoever comes while a commit is under way waits for
//! its end and goes into the next one together with everybody else who came; whoever comes alone waits for nobody. Each is
//! answered after the commit that holds its decision, and not before. Next stop: `batch.rs`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::SqlitePool;
use tokio::sync::oneshot;

use super::batch;
use crate::id::PaymentKey;
use crate::ledger::{Applied, Command};
use crate::store::StoreError;
use crate::time::Timestamp;

/// The most decisions that share a commit: a bound on what one transaction holds in memory.
const MOST: usize = 256;

/// A command with all that its decision needs from outside.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) key: PaymentKey,
    pub(super) command: Command,
    pub(super) now: Timestamp,
}

/// The commands that wait for the writer. A clone is the same queue.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    writer: SqlitePool,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Debug, Default)]
struct Waiting {
    jobs: VecDeque<(Job, Answer)>,
    /// Whether a task is at work that will look here again.
    attended: bool,
}

type Answer = oneshot::Sender<Result<Applied, StoreError>>;

impl Queue {
    pub(super) fn new(writer: SqlitePool) -> Self {
        Self {
            writer,
            waiting: Arc::default(),
        }
    }

    /// Decides and commits, together with whatever else waits. A job that was handed in is carried out even if the future
    /// is dropped.
    pub(super) async fn apply(&self, job: Job) -> Result<Applied, StoreError> {
        let (answer, answered) = oneshot::channel();
        if !self.put(job, answer) {
            let attendant = Attendant {
                queue: self.clone(),
                done: false,
            };
            tokio::spawn(attendant.work());
        }
        answered.await.unwrap_or_else(|_| Err(broke_off()))
    }

    /// Says whether somebody is attending already; if not, the caller has to see to it.
    fn put(&self, job: Job, answer: Answer) -> bool {
        let mut waiting = self.waiting();
        waiting.jobs.push_back((job, answer));
        std::mem::replace(&mut waiting.attended, true)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Whole jobs are put in and taken out under the lock: a poisoned one guards nothing half-done.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What waits, up to the bound. Nothing: the queue is left unattended, in the same breath.
    fn next(&self) -> Vec<(Job, Answer)> {
        let mut waiting = self.waiting();
        let count = waiting.jobs.len().min(MOST);
        waiting.attended = count > 0;
        waiting.jobs.drain(..count).collect()
    }
}

/// The task that attends to the queue until nothing waits.
struct Attendant {
    queue: Queue,
    done: bool,
}

impl Attendant {
    async fn work(mut self) {
        loop {
            let (jobs, answers): (Vec<_>, Vec<_>) = self.queue.next().into_iter().unzip();
            if jobs.is_empty() {
                self.done = true;
                return;
            }
            let results = settle(&self.queue.writer, jobs).await;
            for (answer, result) in answers.into_iter().zip(results) {
                // Whoever asked may have gone; the commit stands.
                let _ = answer.send(result);
            }
        }
    }
}

/// The runtime ended in the middle of the work. Those whose commit is in doubt learn it from their dropped senders; those
/// who still wait would wait for ever.
impl Drop for Attendant {
    fn drop(&mut self) {
        if !self.done {
            let mut waiting = self.queue.waiting();
            waiting.jobs.clear();
            waiting.attended = false;
        }
    }
}

/// Carries out all jobs in one transaction; where one of them spoils it, each in its own, so that only that one fails.
async fn settle(writer: &SqlitePool, jobs: Vec<Job>) -> Vec<Result<Applied, StoreError>> {
    match attempt(writer, jobs.clone()).await {
        Ok(applied) => applied.into_iter().map(Ok).collect(),
        Err(failure) if jobs.len() == 1 => vec![Err(failure.into_error())],
        Err(Failure::Spoiled(error)) => {
            tracing::warn!(reason = %error, jobs = jobs.len(), "a shared commit failed; each on its own");
            let mut results = Vec::with_capacity(jobs.len());
            for job in jobs {
                results.push(alone(writer, job).await);
            }
            results
        }
        Err(Failure::Database(error)) => {
            let error = Arc::new(error);
            let failed = |_| {
                Err(StoreError::Unavailable(Box::new(Shared(Arc::clone(
                    &error,
                )))))
            };
            (0..jobs.len()).map(failed).collect()
        }
    }
}

async fn alone(writer: &SqlitePool, job: Job) -> Result<Applied, StoreError> {
    let applied = attempt(writer, vec![job])
        .await
        .map_err(Failure::into_error)?;
    applied.into_iter().next().ok_or_else(broke_off)
}

/// Why a shared commit failed.
enum Failure {
    /// For what one of the jobs holds or meets: the others would go through.
    Spoiled(StoreError),
    /// For the database: each on its own would fail as well.
    Database(StoreError),
}

impl Failure {
    fn into_error(self) -> StoreError {
        match self {
            Self::Spoiled(error) | Self::Database(error) => error,
        }
    }
}

/// One transaction, in a task of its own: a job that panics has merely failed.
async fn attempt(writer: &SqlitePool, jobs: Vec<Job>) -> Result<Vec<Applied>, Failure> {
    let writer = writer.clone();
    let task = tokio::spawn(async move { batch::commit(&writer, jobs).await });
    match task.await {
        Ok(Ok(applied)) => Ok(applied),
        Ok(Err(error)) if error.is_about_a_row() => Err(Failure::Spoiled(error)),
        Ok(Err(error)) => Err(Failure::Database(error)),
        Err(error) => Err(Failure::Spoiled(StoreError::Unavailable(error.into()))),
    }
}

fn broke_off() -> StoreError {
    StoreError::Unavailable("the process is ending; whether this was committed is open".into())
}

/// One error for all who shared a commit.
#[derive(Debug, thiserror::Error)]
#[error("a commit shared with others failed")]
struct Shared(#[source] Arc<StoreError>);
