//! A driver over a store that acknowledges later.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;

use super::{CallError, Driver, Limits};
use crate::delivery::{Deliverer, Settings};
use crate::engine::{
    AccountName, Action, BodySource, Caller, Command, Config, Engine, Error, KeyAction,
    MessageAction, Publish, Published, QueueName, Reply, Scope, Seed, Timestamp, ToQueue,
};
use crate::instruments::{Bounds, Clock, Faults, Instruments, SignatureClock};
use crate::storage::{
    Acknowledge, Bodies, Commit, Durability, Loaded, Store, StoreError, Volatile,
};

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
        // Only a hang takes this long.
        real_time: Duration::from_secs(600),
        ..Limits::default()
    };
    driver_over(store.clone(), limits)
}

fn driver_over(store: impl Store, limits: Limits) -> Driver {
    let engine = Engine::new(Config::new(Seed::from(7)), START);
    let clock = Clock::manual(START);
    let instruments = Instruments::new(
        clock,
        Faults::new(7, Some(7)),
        Bounds::default(),
        SignatureClock::Virtual,
    );
    let deliverer = Deliverer::new(Settings::default());
    Driver::new(
        engine,
        (Box::new(store), Bodies::new([], |_, _| Bytes::new())),
        Arc::new(instruments),
        limits,
        deliverer,
    )
}

async fn command(driver: &Driver, action: impl Into<Action>) -> Result<Reply, CallError> {
    let command = Command {
        caller: Arc::new(Caller::owner(AccountName::DEFAULT)),
        action: action.into(),
    };
    driver.call(command).await
}

async fn ask(driver: Driver) -> Result<Reply, CallError> {
    command(&driver, KeyAction::Secret).await
}

/// A call that moves the clock, and waits because a change set is not durable.
async fn waiting_for_the_store(driver: &Driver) -> tokio::task::JoinHandle<()> {
    let mover = driver.clone();
    let settled = tokio::spawn(async move { drop(mover.settle().await) });
    while driver.lock().moved.is_none() {
        tokio::task::yield_now().await;
    }
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(!settled.is_finished());
    settled
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    let limited = tokio::time::timeout(Duration::from_secs(60), future);
    limited.await.expect("nobody waits any longer")
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

/// A message to a queue.
fn delayed() -> Publish {
    let to = ToQueue {
        queue: QueueName::parse("q").unwrap(),
        delay: Duration::from_secs(60),
        idempotency_key: None,
        max_retries: None,
        headers: Arc::default(),
    };
    Publish::to_queue(to, Bytes::from_static(b"1"))
}

fn batch(count: usize) -> Action {
    Action::PublishBatch(vec![delayed(); count])
}

#[tokio::test]
async fn the_inputs_of_a_long_batch_do_not_wait_until_each_is_stored() {
    let store = Slow::default();
    let driver = driver(&store, 1);
    let caller = driver.clone();
    let call = tokio::spawn(async move { command(&caller, batch(1_000)).await });
    while driver.lock().uncommitted() < 10 {
        tokio::task::yield_now().await;
    }
    assert!(is_overloaded(&ask(driver.clone()).await));
    store.acknowledge(9);
    tokio::task::yield_now().await;
    assert!(!call.is_finished(), "a part is not stored");
    store.acknowledge(10);
    let Ok(Reply::Batch { results, rest }) = in_time(call).await.unwrap() else {
        panic!("the batch was refused");
    };
    assert_eq!((results.len(), rest), (1_000, None));
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(driver.lock().uncommitted(), 0);
}

#[tokio::test]
async fn a_batch_ends_when_the_server_stops_in_the_middle_of_it() {
    let store = Slow::default();
    let driver = driver(&store, 1);
    let caller = driver.clone();
    let call = tokio::spawn(async move { command(&caller, batch(1_000)).await });
    while driver.lock().uncommitted() < 2 {
        tokio::task::yield_now().await;
    }
    driver.lock().stop(&driver);
    let answer = in_time(call).await.unwrap();
    assert_eq!(answer, Err(CallError::Stopped));
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

#[tokio::test]
async fn whoever_moves_the_clock_does_not_wait_for_a_server_that_is_stopped() {
    let store = Slow::default();
    let driver = driver(&store, 3);
    let call = callers(&driver, 1).await.remove(0);
    let settled = waiting_for_the_store(&driver).await;
    driver.stop();
    in_time(settled).await.unwrap();
    assert!(!call.await.unwrap(), "the call is refused");
}

#[tokio::test]
async fn whoever_moves_the_clock_learns_of_progress_that_another_input_has_handled() {
    let store = Slow::default();
    let driver = driver(&store, 3);
    let call = callers(&driver, 1).await.remove(0);
    let settled = waiting_for_the_store(&driver).await;
    {
        let mut core = driver.lock();
        store.acknowledge(1);
        // Takes the report out of the inbox, so that nobody finds it there when the lock is free.
        driver.input(&mut core, Engine::handle_timeout);
    }
    in_time(settled).await.unwrap();
    assert!(call.await.unwrap());
}

#[tokio::test]
async fn all_who_wait_for_deliveries_learn_that_they_are_over() {
    let store = Slow::default();
    let driver = driver(&store, 3);
    let call = callers(&driver, 1).await.remove(0);
    let settled = waiting_for_the_store(&driver).await;
    // Another waiter, as `drained` is.
    let other = driver.shared().delivered.notified();
    store.acknowledge(1);
    in_time(other).await;
    in_time(settled).await.unwrap();
    assert!(call.await.unwrap());
}

#[tokio::test]
async fn a_body_goes_with_the_input_that_deletes_it() {
    let driver = driver_over(Volatile, Limits::default());
    let published = command(&driver, Action::Publish(delayed())).await.unwrap();
    let Reply::Published(Published::One(message)) = published else {
        panic!("{published:?}");
    };
    let stored = BodySource::Stored(driver.bodies().all()[0].0);
    assert!(driver.bodies().read(&stored).is_ok());
    let cancel = MessageAction::Cancel(message.id, Scope::Queues);
    command(&driver, cancel).await.unwrap();
    assert!(driver.bodies().read(&stored).is_err());
}
