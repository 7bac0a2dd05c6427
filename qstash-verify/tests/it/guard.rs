//! A message is worked on once: the stores, and the guard as a function.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use qstash_verify::Timestamp;
use qstash_verify::idempotency::{
    AnyStore, Begin, Claim, Claimed, Guard, MemoryStore, Run, Store, StoreError,
};

/// A clock that a test moves, in milliseconds.
#[derive(Clone, Default)]
pub(crate) struct Hand(Arc<AtomicU64>);

impl Hand {
    pub(crate) fn advance(&self, duration: Duration) {
        let millis = u64::try_from(duration.as_millis()).unwrap();
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    pub(crate) fn store(&self, capacity: usize) -> MemoryStore {
        let time = Arc::clone(&self.0);
        MemoryStore::new(capacity)
            .clock(move || Timestamp::from_millis(time.load(Ordering::SeqCst)))
    }
}

pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn granted(claimed: Claimed) -> Claim {
    match claimed {
        Claimed::Granted(claim) => claim,
        other => panic!("{other:?}"),
    }
}

/// What every store must do; also run against Redis.
pub(crate) async fn conforms(store: &impl Store) {
    let minute = Duration::from_secs(60);
    let first = granted(store.claim("a", minute).await.unwrap());
    assert_eq!(first.id(), "a");
    match store.claim("a", minute).await.unwrap() {
        Claimed::InProgress { remaining } => {
            assert!(
                remaining <= minute && remaining > minute / 2,
                "{remaining:?}"
            );
        }
        other => panic!("{other:?}"),
    }
    granted(store.claim("b", minute).await.unwrap());
    store.release(&first).await.unwrap();
    let second = granted(store.claim("a", minute).await.unwrap());
    // What came before has no say any more.
    store.release(&first).await.unwrap();
    store.commit(&first, minute).await.unwrap();
    assert!(matches!(
        store.claim("a", minute).await.unwrap(),
        Claimed::InProgress { .. }
    ));
    store.commit(&second, minute).await.unwrap();
    assert_eq!(store.claim("a", minute).await.unwrap(), Claimed::Finished);
    store.release(&second).await.unwrap();
    assert_eq!(store.claim("a", minute).await.unwrap(), Claimed::Finished);
    // A claim that has been free meanwhile can still be finished.
    let third = granted(store.claim("c", minute).await.unwrap());
    store.release(&third).await.unwrap();
    store.commit(&third, minute).await.unwrap();
    assert_eq!(store.claim("c", minute).await.unwrap(), Claimed::Finished);
}

/// What a store must do that keeps answers; also run against Redis.
pub(crate) async fn keeps_answers(store: &impl Store) {
    let minute = Duration::from_secs(60);
    for answer in [&b""[..], b"done", b"\r\n\0\xff"] {
        let id = format!("answered {answer:?}");
        let claim = granted(store.claim(&id, minute).await.unwrap());
        store
            .commit_with_answer(&claim, minute, answer)
            .await
            .unwrap();
        for _ in 0..2 {
            let again = store.claim(&id, minute).await.unwrap();
            assert_eq!(again, Claimed::Answered(answer.to_vec()));
        }
        // The first answer stays.
        store
            .commit_with_answer(&claim, minute, b"another")
            .await
            .unwrap();
        store.commit(&claim, minute).await.unwrap();
        let again = store.claim(&id, minute).await.unwrap();
        assert_eq!(again, Claimed::Answered(answer.to_vec()));
    }
}

/// `first` has outlived its hold and `second` is the claim of whoever came then: what the first says late
/// changes nothing.
pub(crate) async fn an_outlived_claim_has_no_say(store: &impl Store, first: Claim, second: Claim) {
    assert_eq!(first.id(), second.id());
    let minute = Duration::from_secs(60);
    let claim_again = async || store.claim(second.id(), minute).await.unwrap();
    store.commit(&first, minute).await.unwrap();
    assert!(matches!(claim_again().await, Claimed::InProgress { .. }));
    store.release(&first).await.unwrap();
    assert!(matches!(claim_again().await, Claimed::InProgress { .. }));
    store.abandon(first.clone());
    // Behind this, whatever the store does in the background was done, on one connection at least.
    for _ in 0..20 {
        tokio::task::yield_now().await;
        assert!(matches!(claim_again().await, Claimed::InProgress { .. }));
    }
    store.commit(&second, minute).await.unwrap();
    store.release(&first).await.unwrap();
    store.commit(&first, Duration::ZERO).await.unwrap();
    assert_eq!(claim_again().await, Claimed::Finished);
}

#[tokio::test]
async fn the_memory_store_conforms() {
    conforms(&MemoryStore::new(100)).await;
    keeps_answers(&MemoryStore::new(100)).await;
    keeps_answers(&AnyStore::new(MemoryStore::new(100))).await;
}

#[tokio::test]
async fn a_hold_ends_and_a_finished_message_is_forgotten_in_time() {
    let hand = Hand::default();
    let store = hand.store(10);
    granted(store.claim("a", SECOND).await.unwrap());
    hand.advance(SECOND - Duration::from_millis(1));
    let remaining = Duration::from_millis(1);
    assert_eq!(
        store.claim("a", SECOND).await.unwrap(),
        Claimed::InProgress { remaining }
    );
    hand.advance(remaining);
    let claim = granted(store.claim("a", SECOND).await.unwrap());
    store.commit(&claim, 2 * SECOND).await.unwrap();
    hand.advance(2 * SECOND - remaining);
    assert_eq!(store.claim("a", SECOND).await.unwrap(), Claimed::Finished);
    hand.advance(remaining);
    assert!(store.is_empty());
    granted(store.claim("a", SECOND).await.unwrap());
}

#[tokio::test]
async fn in_memory_a_claim_that_outlived_its_hold_has_no_say() {
    let hand = Hand::default();
    let store = hand.store(10);
    let first = granted(store.claim("a", SECOND).await.unwrap());
    hand.advance(SECOND);
    let second = granted(store.claim("a", SECOND).await.unwrap());
    an_outlived_claim_has_no_say(&store, first, second).await;
}

#[tokio::test]
async fn work_that_outlived_its_hold_is_finished_even_in_a_full_memory() {
    let hand = Hand::default();
    let store = hand.store(1);
    let late = granted(store.claim("late", SECOND).await.unwrap());
    hand.advance(SECOND);
    let other = granted(store.claim("other", 60 * SECOND).await.unwrap());
    // What is in progress is not forgotten for it.
    assert!(matches!(
        store.commit(&late, SECOND).await,
        Err(StoreError::Full)
    ));
    store.commit(&other, 60 * SECOND).await.unwrap();
    store.commit(&late, SECOND).await.unwrap();
    assert_eq!(
        store.claim("late", SECOND).await.unwrap(),
        Claimed::Finished
    );
    assert_eq!(store.len(), 1);
}

#[tokio::test]
async fn a_full_memory_forgets_what_is_finished_but_never_what_is_in_progress() {
    let store = MemoryStore::new(2);
    let claim = granted(store.claim("a", SECOND).await.unwrap());
    store.commit(&claim, SECOND).await.unwrap();
    granted(store.claim("b", 60 * SECOND).await.unwrap());
    granted(store.claim("c", 60 * SECOND).await.unwrap());
    assert_eq!(store.len(), 2);
    assert!(matches!(
        store.claim("d", SECOND).await,
        Err(StoreError::Full)
    ));
    assert!(matches!(
        store.claim("b", SECOND).await.unwrap(),
        Claimed::InProgress { .. }
    ));
}

#[tokio::test]
async fn work_that_fails_is_done_again_and_work_that_succeeds_is_not() {
    let guard = Guard::new(MemoryStore::new(10));
    let run = |result: Result<u32, &'static str>| guard.run("msg_1", move || async move { result });
    assert_eq!(run(Err("no")).await.unwrap(), Run::First(Err("no")));
    assert_eq!(run(Ok(1)).await.unwrap(), Run::First(Ok(1)));
    assert_eq!(run(Ok(2)).await.unwrap(), Run::Finished);
}

#[tokio::test]
async fn an_id_that_is_empty_or_endless_is_refused() {
    let guard = Guard::new(MemoryStore::new(10));
    assert!(matches!(guard.begin("").await, Err(StoreError::Id)));
    assert!(matches!(
        guard.begin(&"a".repeat(257)).await,
        Err(StoreError::Id)
    ));
    assert!(matches!(
        guard.begin(&"a".repeat(256)).await,
        Ok(Begin::First(_))
    ));
}

#[tokio::test]
async fn work_that_panics_or_is_cancelled_is_done_again() {
    let guard = Guard::new(MemoryStore::new(10));
    let panicking = guard.clone();
    let task = tokio::spawn(async move {
        panicking
            .run("msg_1", || async { panic!("as it should") })
            .await
            .map(|_: Run<Result<(), ()>>| ())
    });
    assert!(task.await.unwrap_err().is_panic());
    assert!(matches!(
        guard.begin("msg_1").await.unwrap(),
        Begin::First(_)
    ));
    let (started, waiting) = tokio::sync::oneshot::channel();
    let cancelled = guard.clone();
    let task = tokio::spawn(async move {
        let work = || async {
            started.send(()).unwrap();
            std::future::pending::<Result<(), ()>>().await
        };
        cancelled.run("msg_1", work).await.map(|_| ())
    });
    waiting.await.unwrap();
    assert!(matches!(
        guard.begin("msg_1").await.unwrap(),
        Begin::InProgress { .. }
    ));
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert!(matches!(
        guard.begin("msg_1").await.unwrap(),
        Begin::First(_)
    ));
}

/// Whether a second delivery finds the message claimed, again and again, for ten times its hold.
async fn stays_claimed<S: Store>(guard: &Guard<S>, hand: &Hand) {
    for _ in 0..10 {
        hand.advance(SECOND);
        let again = guard.begin("msg_1").await.unwrap();
        assert!(matches!(again, Begin::InProgress { retry_after } if retry_after == SECOND));
    }
}

#[tokio::test]
async fn work_that_takes_longer_than_its_hold_keeps_its_claim() {
    let hand = Hand::default();
    let store = AnyStore::new(hand.store(10));
    let guard = Guard::new(store).hold(SECOND);
    let work = || async {
        stays_claimed(&guard, &hand).await;
        Ok::<_, ()>(1)
    };
    assert_eq!(guard.run("msg_1", work).await.unwrap(), Run::First(Ok(1)));
    assert_eq!(guard.run("msg_1", work).await.unwrap(), Run::Finished);
}

#[tokio::test]
async fn a_claim_whose_work_was_dropped_lasts_for_one_hold_more() {
    let hand = Hand::default();
    let guard = Guard::new(hand.store(10)).hold(SECOND);
    let Begin::First(ticket) = guard.begin("msg_1").await.unwrap() else {
        panic!("the message is free");
    };
    ticket.during(stays_claimed(&guard, &hand)).await;
    hand.advance(SECOND - Duration::from_millis(1));
    assert!(matches!(
        guard.begin("msg_1").await.unwrap(),
        Begin::InProgress { retry_after } if retry_after == Duration::from_millis(1)
    ));
    hand.advance(Duration::from_millis(1));
    let second = guard.begin("msg_1").await.unwrap();
    assert!(matches!(second, Begin::First(_)));
    // Whoever has lost the claim does not get it back.
    ticket.during(std::future::ready(())).await;
    hand.advance(SECOND);
    assert!(matches!(
        guard.begin("msg_1").await.unwrap(),
        Begin::First(_)
    ));
}

/// Grants every claim, never answers a commit, and notes what is given back.
#[derive(Clone, Debug, Default)]
struct Deaf {
    released: Arc<AtomicU64>,
    fails: bool,
}

impl Store for Deaf {
    async fn claim(&self, id: &str, _: Duration) -> Result<Claimed, StoreError> {
        Ok(Claimed::Granted(Claim::new(id, 1)))
    }

    async fn commit(&self, _: &Claim, _: Duration) -> Result<(), StoreError> {
        if self.fails {
            return Err(StoreError::Full);
        }
        std::future::pending().await
    }

    async fn release(&self, _: &Claim) -> Result<(), StoreError> {
        self.released.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn abandon(&self, _: Claim) {
        self.released.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn work_that_is_done_is_not_given_out_again_because_its_commit_failed_or_was_cancelled() {
    for fails in [false, true] {
        let store = Deaf {
            fails,
            ..Deaf::default()
        };
        let guard = Guard::new(store.clone());
        let work = || async { Ok::<_, ()>(()) };
        tokio::select! {
            biased;
            done = guard.run("msg_1", work) => assert_eq!(done.unwrap(), Run::First(Ok(()))),
            () = std::future::ready(()) => assert!(!fails, "a failed commit does not hide the work"),
        }
        assert_eq!(store.released.load(Ordering::SeqCst), 0);
    }
}
