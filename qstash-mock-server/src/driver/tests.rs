//! A driver over a store that acknowledges later.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::{CallError, Driver, Limits};
use crate::delivery::{Deliverer, Settings};
use crate::engine::{
    AccountName, Caller, Command, Config, Engine, Error, KeyAction, Reply, Seed, Timestamp,
};
use crate::instruments::{Bounds, Clock, Faults, Instruments, SignatureClock};
use crate::storage::{Acknowledge, Bodies, Commit, Durability, Loaded, Store, StoreError};

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// Every commit is durable when the test says so.
#[derive(Clone, Default)]
struct Slow(Arc<Mutex<Option<Acknowledge>>>);

impl Slow {
    fn acknowledge(&self, number: u64) {
        let acknowledge = self.0.lock().unwrap().clone();
        acknowledge.expect("the store was started").durable(number);
    }
}

impl Store for Slow {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        Ok(Loaded::default())
    }

    fn start(&mut self, acknowledge: Acknowledge) {
        *self.0.lock().unwrap() = Some(acknowledge);
    }

    fn commit(&mut self, commit: Commit<'_>) -> Result<Durability, StoreError> {
        drop(commit.into_changes());
        Ok(Durability::Later)
    }
}

/// A driver that takes `uncommitted` change sets, each handed to `store`.
fn driver(store: &Slow, uncommitted: u64) -> Driver {
    let limits = Limits {
        uncommitted,
        ..Limits::default()
    };
    let engine = Engine::new(Config::new(Seed::from(7)), START);
    let clock = Clock::manual(START);
    let instruments = Instruments::new(
        clock,
        Faults::new(7, Some(7)),
        Bounds::default(),
        SignatureClock::Virtual,
    );
    let deliverer = Deliverer::new(Settings::default());
    let store = Box::new(store.clone());
    Driver::new(
        engine,
        (store, Bodies::new([], |_, _| Bytes::new())),
        Arc::new(instruments),
        limits,
        deliverer,
    )
}

async fn ask(driver: Driver) -> Result<Reply, CallError> {
    let command = Command {
        caller: Arc::new(Caller::owner(AccountName::DEFAULT)),
        action: KeyAction::Secret.into(),
    };
    driver.call(command).await
}

/// So many callers that wait for their commit.
async fn callers(driver: &Driver, count: u64) -> Vec<tokio::task::JoinHandle<bool>> {
    let mut calls = vec![];
    for _ in 0..count {
        let before = driver.lock().uncommitted();
        let driver = driver.clone();
        calls.push(tokio::spawn({
            let driver = driver.clone();
            async move { ask(driver).await.is_ok() }
        }));
        while driver.lock().uncommitted() == before {
            tokio::task::yield_now().await;
        }
    }
    calls
}

fn is_overloaded(answer: &Result<Reply, CallError>) -> bool {
    matches!(answer, Err(CallError::Refused(Error::Overloaded(_))))
}

#[tokio::test]
async fn a_call_is_refused_when_too_many_change_sets_wait_for_the_store() {
    let store = Slow::default();
    let driver = driver(&store, 3);
    let calls = callers(&driver, 3).await;
    assert!(is_overloaded(&ask(driver.clone()).await));
    assert_eq!(driver.lock().uncommitted(), 3, "the engine was not entered");
    store.acknowledge(1);
    let next = callers(&driver, 1).await;
    assert!(is_overloaded(&ask(driver.clone()).await));
    store.acknowledge(4);
    for call in calls.into_iter().chain(next) {
        assert!(call.await.unwrap());
    }
    assert_eq!(driver.lock().uncommitted(), 0);
}

#[tokio::test]
async fn what_was_begun_goes_on_when_too_many_change_sets_wait_for_the_store() {
    let store = Slow::default();
    let driver = driver(&store, 1);
    let calls = callers(&driver, 1).await;
    // A timer, as an outcome would.
    driver.fire();
    assert_eq!(driver.lock().uncommitted(), 2);
    store.acknowledge(2);
    for call in calls {
        assert!(call.await.unwrap());
    }
}

#[tokio::test]
async fn a_store_may_tell_its_progress_while_somebody_holds_the_lock() {
    let store = Slow::default();
    let driver = driver(&store, 3);
    let call = callers(&driver, 1).await.remove(0);
    let held = driver.lock();
    store.acknowledge(1);
    assert_eq!(held.uncommitted(), 1);
    drop(held);
    assert_eq!(driver.lock().uncommitted(), 0);
    assert!(call.await.unwrap());
}

#[test]
fn no_progress_is_overlooked_however_threads_meet() {
    const ROUNDS: u64 = 500;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _entered = runtime.enter();
    let store = Slow::default();
    let driver = driver(&store, ROUNDS);
    // The number of the commit that is about to be acknowledged.
    let told = AtomicU64::new(0);
    for number in 1..=ROUNDS {
        driver.fire();
        let held = driver.lock();
        std::thread::scope(|threads| {
            threads.spawn(|| {
                told.store(number, Ordering::SeqCst);
                store.acknowledge(number);
            });
            while told.load(Ordering::SeqCst) < number {
                std::thread::yield_now();
            }
            // At the very moment at which the other thread looks whether it is free.
            drop(held);
        });
        assert!(!driver.shared().inbox.has_some(), "nobody looked");
    }
    assert_eq!(driver.lock().uncommitted(), 0);
}
