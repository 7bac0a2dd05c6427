//! v2.md section 3.10: callbacks are messages of their own.

use std::sync::Arc;

use qstash_mock_server::engine::{Callback, CarriedRules, Envelope, Event, Method, Redaction};

use super::words::{
    A, BACK, FAILED, callback, calling_back, expression, flowing, labelled, rejected, retries,
    secs, telling_failure, to, unreachable, with,
};
use crate::world::{World, failure, success};

fn carried_of(world: &World, call: usize) -> Arc<CarriedRules> {
    match &world.calls[call].envelope {
        Envelope::CarriedRules(envelope) => Arc::clone(&envelope.carried),
        Envelope::QueueRules(_) => panic!("a queue's message"),
    }
}

fn with_callback(change: impl FnOnce(&mut Callback)) -> World {
    let mut world = World::new(1);
    let mut callback = callback(BACK);
    change(&mut callback);
    world.send(with(to(A), |it| it.callback = Some(Arc::new(callback))));
    world.answer_next(success());
    world
}

#[test]
fn a_callback_follows_every_attempt() {
    let mut world = World::new(1);
    let id = world.send(calling_back(retries(to(A), 2)));
    for left in (0..3).rev() {
        let call = world.answer_message(id, failure());
        assert_eq!(call.number, 3 - left);
        assert_eq!(world.urls(), [BACK]);
        world.answer_next(success());
        assert_eq!(world.until_call(), left > 0);
    }
}

#[test]
fn a_callback_tells_of_the_attempt_it_follows() {
    let mut world = World::new(1);
    let id = world.send(calling_back(telling_failure(retries(to(A), 1))));
    world.answer_next(unreachable());
    let body = |world: &mut World| {
        let call = world.answer_next(success());
        String::from_utf8(call.body.bytes().to_vec()).expect("text")
    };
    let source = format!("{:?}", (id, A, &b"{}"[..]));
    let none: Option<String> = None;
    let first = (None::<u16>, Some("connection refused"), 0, 1, &none);
    assert_eq!(body(&mut world), format!("{source} {first:?}"));
    assert!(world.until_call());
    world.answer_next(failure());
    let second = (Some(500), Some("status 500"), 1, 1, &none);
    assert_eq!(body(&mut world), format!("{source} {second:?}"));
    let dead = Some(world.dlq()[0].id.to_string());
    let end = (Some(500), Some("status 500"), 1, 1, &dead);
    assert_eq!(body(&mut world), format!("{source} {end:?}"));
}

#[test]
fn the_failure_callback_comes_once_and_only_at_the_end() {
    let mut world = World::new(1);
    world.send(telling_failure(retries(to(A), 1)));
    world.answer_next(failure());
    assert!(world.calls.is_empty());
    assert!(world.until_call());
    world.answer_next(failure());
    assert_eq!(world.urls(), [FAILED]);
    world.always(&success());
    assert_eq!(world.started.len(), 3);
}

#[test]
fn a_rejection_is_told_as_a_failure_for_good() {
    let mut world = World::new(1);
    world.send(telling_failure(to(A)));
    world.answer_next(rejected());
    assert_eq!(world.urls(), [FAILED]);
}

#[test]
fn a_delivered_message_has_no_failure_callback() {
    let mut world = World::new(1);
    world.send(telling_failure(calling_back(to(A))));
    world.answer_next(success());
    assert_eq!(world.urls(), [BACK]);
}

#[test]
fn a_cancelled_message_is_told_to_nobody() {
    let mut world = World::new(1);
    let id = world.send(telling_failure(calling_back(to(A))));
    assert_eq!(world.cancel_ids(&[id]), 1);
    world.answer_next(failure());
    assert!(!world.until_call());
}

#[test]
fn a_callback_has_its_parents_retries_unless_it_names_its_own() {
    let mut world = World::new(1);
    world.send(calling_back(retries(to(A), 1)));
    world.answer_next(success());
    world.always(&failure());
    assert_eq!(
        world.started.len(),
        3,
        "one attempt, and two of its callback"
    );
    assert_eq!(world.dlq().len(), 1);
    let mut world = with_callback(|it| it.max_retries = Some(0));
    world.always(&failure());
    assert_eq!(world.started.len(), 2);
}

#[test]
fn nobody_is_told_of_a_callback() {
    let mut world = World::new(1);
    world.send(telling_failure(calling_back(retries(to(A), 0))));
    world.answer_next(failure());
    assert_eq!(world.urls(), [BACK, FAILED]);
    let carried = carried_of(&world, 0);
    assert_eq!(
        (carried.callback.clone(), carried.failure_callback.clone()),
        (None, None)
    );
    world.always(&failure());
    assert_eq!(world.started.len(), 3);
    assert_eq!(world.dlq().len(), 3);
}

#[test]
fn a_callback_is_sent_as_it_was_configured() {
    let headers: Arc<[_]> = Arc::new([("X".to_owned(), "y".to_owned())]);
    let world = with_callback(|it| {
        it.method = Method::Put;
        it.headers = Arc::clone(&headers);
        it.timeout = Some(secs(9));
        it.retry_delay = expression("1000");
    });
    let carried = carried_of(&world, 0);
    assert_eq!(
        (carried.method, carried.timeout),
        (Method::Put, Some(secs(9)))
    );
    assert_eq!(world.calls[0].headers, headers);
    let mut world = world;
    world.answer_next(failure());
    assert!(world.until_call());
    assert_eq!(
        world.gaps().last(),
        Some(&1),
        "its own waits, not the ladder's"
    );
}

#[test]
fn a_callback_has_its_sources_labels_and_caller_but_neither_its_key_nor_its_waits() {
    let mut world = World::new(1);
    let send = flowing(labelled(calling_back(to(A)), &["one", "two"]), "k", 1, 0, 1);
    world.send(with(send, |it| {
        it.caller_ip = Some("203.0.113.9".into());
        it.retry_delay = expression("1000");
        it.timeout = Some(secs(9));
    }));
    world.answer_next(success());
    let carried = carried_of(&world, 0);
    let labels: Vec<_> = carried.labels.iter().map(|it| &**it).collect();
    assert_eq!(labels, ["one", "two"]);
    assert_eq!(carried.caller_ip.as_deref(), Some("203.0.113.9"));
    assert_eq!(
        (&carried.flow_control, &carried.retry_delay),
        (&None, &None)
    );
    assert_eq!(carried.timeout, None);
}

#[test]
fn a_callback_hides_its_body_where_its_source_hides_anything() {
    let hiding = |redaction: Option<Redaction>| {
        let mut world = World::new(1);
        let send = telling_failure(calling_back(retries(to(A), 0)));
        world.send(with(send, |it| it.redaction = redaction.map(Arc::new)));
        world.answer_next(failure());
        [0, 1].map(|call| carried_of(&world, call).redaction.as_deref().cloned())
    };
    assert_eq!(hiding(None), [None, None]);
    let header = Redaction {
        headers: vec!["x-secret".into()],
        ..Redaction::default()
    };
    let expected = Redaction {
        body: true,
        ..header.clone()
    };
    assert_eq!(
        hiding(Some(header)),
        [Some(expected.clone()), Some(expected)]
    );
}

#[test]
fn a_callback_may_be_delayed_and_keeps_its_sources_slot_meanwhile() {
    let mut world = World::new(1);
    let mut later = callback(BACK);
    later.delay = secs(30);
    let send = super::words::through("q", A);
    world.send(with(send, |it| it.callback = Some(Arc::new(later))));
    let second = world.send(super::words::through("q", A));
    world.answer_next(success());
    assert!(world.calls.is_empty());
    world.advance_secs(30);
    assert_eq!(world.urls(), [BACK]);
    world.answer_next(success());
    assert_eq!(world.open(), [second]);
}

#[test]
fn a_callback_is_a_message_with_an_id_and_a_log_of_its_own() {
    let mut world = World::new(1);
    let id = world.send(calling_back(to(A)));
    world.answer_next(success());
    let callback = world.open()[0];
    assert_ne!(callback, id);
    assert_eq!(carried_of(&world, 0).callback_of, Some(id));
    world.answer_next(success());
    let events = [Event::Created, Event::Active, Event::Delivered];
    assert_eq!(world.events(callback), events);
    assert_eq!(world.events(id), events);
}
