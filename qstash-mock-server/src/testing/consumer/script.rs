//! Scripts: which answer a request gets.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::answer::Answer;
use super::received::Received;

/// Decides which answer a request gets.
#[derive(Clone)]
pub(super) struct Script {
    answers: Answers,
    after: Duration,
}

#[derive(Clone)]
enum Answers {
    /// By the number of the attempt; the last answer is used for all further attempts.
    Listed(Arc<[Answer]>),
    Closure(Arc<dyn Fn(&Received) -> Answer + Send + Sync>),
    Handler(Arc<dyn Fn(Received) -> Answering + Send + Sync>),
}

/// The future of an answer.
type Answering = Pin<Box<dyn Future<Output = Answer> + Send>>;

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.answers {
            Answers::Listed(answers) => f.debug_tuple("Script").field(answers).finish(),
            Answers::Closure(_) | Answers::Handler(_) => f.write_str("Script(..)"),
        }
    }
}

impl Script {
    /// # Panics
    /// If there is no answer.
    #[track_caller]
    pub(super) fn listed(answers: impl IntoIterator<Item = impl Into<Answer>>) -> Self {
        let answers: Arc<[Answer]> = answers.into_iter().map(Into::into).collect();
        assert!(!answers.is_empty(), "a script needs at least one answer");
        Self::new(Answers::Listed(answers))
    }

    pub(super) fn closure<A: Into<Answer>>(
        answer: impl Fn(&Received) -> A + Send + Sync + 'static,
    ) -> Self {
        let answer = move |received: &Received| answer(received).into();
        Self::new(Answers::Closure(Arc::new(answer)))
    }

    pub(super) fn handler<F, A>(handle: impl Fn(Received) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = A> + Send + 'static,
        A: Into<Answer>,
    {
        Self::new(Answers::Handler(Arc::new(move |received| {
            let answer = handle(received);
            Box::pin(async move { answer.await.into() })
        })))
    }

    fn new(answers: Answers) -> Self {
        let after = Duration::ZERO;
        Self { answers, after }
    }

    pub(super) fn after(mut self, after: Duration) -> Self {
        self.after += after;
        self
    }

    pub(super) async fn answer(&self, received: &Received) -> Answer {
        let answer = match &self.answers {
            Answers::Listed(answers) => {
                let index = (received.attempt() as usize).saturating_sub(1);
                answers[index.min(answers.len() - 1)].clone()
            }
            Answers::Closure(answer) => answer(received),
            Answers::Handler(handle) => handle(received.clone()).await,
        };
        answer.after(self.after)
    }
}
