//! v2.md section 3.5: a second publish of the same stores nothing.

use std::sync::Arc;

use qstash_mock_server::engine::{Caller, Method, Publish, Published, QueueAction, Reply};

use super::words::{A, B, by_content, keyed, millis, secs, through, to, to_group, with};
use crate::world::{World, saying, success};

fn headers(send: Publish, headers: &[(&str, &str)]) -> Publish {
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()));
    let headers: Arc<[(String, String)]> = headers.collect();
    with(send, |it| it.headers = Some(headers))
}

#[test]
fn a_second_message_of_the_same_id_answers_with_the_firsts_and_sends_nothing() {
    let mut world = World::new(1);
    let first = world.send_one(keyed(to(A), "order 7"));
    let second = world.send_one(keyed(saying(to(A), "other"), "order 7"));
    assert!(!first.deduplicated);
    assert!(second.deduplicated);
    assert_eq!((second.id, second.url.as_deref()), (first.id, Some(A)));
    assert_eq!(world.calls.len(), 1);
    assert!(!world.send_one(keyed(to(A), "order 8")).deduplicated);
}

#[test]
fn an_id_is_remembered_for_ten_minutes_to_the_millisecond() {
    let mut world = World::new(1);
    let first = world.send(keyed(to(A), "id"));
    world.answer_next(success());
    world.advance(millis(599_999));
    let second = world.send_one(keyed(to(A), "id"));
    assert_eq!((second.id, second.deduplicated), (first, true));
    world.advance(millis(1));
    let third = world.send_one(keyed(to(A), "id"));
    assert!(
        !third.deduplicated,
        "the second did not make the window longer"
    );
    assert_ne!(third.id, first);
}

#[test]
fn an_id_is_good_for_one_endpoint_and_for_the_whole_account() {
    let mut world = World::new(1);
    world.send(keyed(to(A), "id"));
    assert!(!world.send_one(keyed(to(B), "id")).deduplicated);
    assert!(world.send_one(keyed(through("q", A), "id")).deduplicated);
    let stranger = Arc::new(Caller::owner("stranger"));
    match world.send_as(&stranger, keyed(to(A), "id")) {
        Ok(Reply::Published(Published::One(sent))) => assert!(!sent.deduplicated),
        other => panic!("{other:?}"),
    }
}

#[test]
fn content_is_destination_body_content_type_and_forwarded_headers() {
    let mut world = World::new(1);
    let base = || headers(to(A), &[("Content-Type", "text/plain"), ("X-Tenant", "7")]);
    let first = world.send(by_content(base()));
    let again = world.send_one(by_content(base()));
    assert_eq!((again.id, again.deduplicated), (first, true));
    let others = [
        headers(to(B), &[("Content-Type", "text/plain"), ("X-Tenant", "7")]),
        saying(base(), "other"),
        headers(to(A), &[("Content-Type", "text/html"), ("X-Tenant", "7")]),
        headers(to(A), &[("Content-Type", "text/plain"), ("X-Tenant", "8")]),
        headers(to(A), &[("Content-Type", "text/plain")]),
    ];
    for other in others {
        let sent = world.send_one(by_content(other.clone()));
        assert!(!sent.deduplicated, "{other:?}");
    }
}

#[test]
fn neither_settings_nor_the_order_or_case_of_header_names_are_content() {
    let mut world = World::new(1);
    world.send(by_content(headers(
        to(A),
        &[("X-One", "1"), ("X-Two", "2")],
    )));
    let same = headers(to(A), &[("x-two", "2"), ("X-ONE", "1")]);
    let same = with(same, |it| {
        it.max_retries = Some(9);
        it.delay = Some(secs(60));
        it.method = Some(Method::Put);
    });
    assert!(world.send_one(by_content(same)).deduplicated);
}

#[test]
fn an_id_is_never_taken_for_content() {
    let mut world = World::new(1);
    world.send(by_content(to(A)));
    world.send(to(A));
    assert!(!world.send_one(keyed(to(A), "id")).deduplicated);
    assert_eq!(
        world.calls.len(),
        3,
        "and without either, everything is new"
    );
}

#[test]
fn each_endpoint_of_a_group_is_decided_on_its_own() {
    let mut world = World::new(1);
    world.group("g", &[A]);
    let first = world.send_all(keyed(to_group("g"), "id"));
    world.group("g", &[B]);
    let second = world.send_all(keyed(to_group("g"), "id"));
    let flags: Vec<_> = second.iter().map(|sent| sent.deduplicated).collect();
    assert_eq!(flags, [true, false]);
    assert_eq!(second[0].id, first[0].id);
    assert_eq!(world.urls(), [A, B]);
}

#[test]
fn a_duplicate_makes_no_queue_and_counts_in_the_one_that_is_there() {
    let mut world = World::new(1);
    world.send(keyed(to(A), "id"));
    assert!(world.send_one(keyed(through("q", A), "id")).deduplicated);
    let reply = world.act(QueueAction::Get(crate::world::name("q")));
    assert!(reply.is_err(), "{reply:?}");
    world.own_queue("q", 1, false);
    assert!(world.send_one(keyed(through("q", A), "id")).deduplicated);
    assert_eq!(world.counters("q").deduplicated, 1);
}

#[test]
fn a_cancelled_messages_id_is_still_taken() {
    let mut world = World::new(1);
    let first = world.send(keyed(to(A), "id"));
    assert_eq!(world.cancel_ids(&[first]), 1);
    assert!(world.send_one(keyed(to(A), "id")).deduplicated);
}
