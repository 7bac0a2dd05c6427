//! Architecture, *Whose policy*: messages of a queue and messages with rules of their own in one queue.

use qstash_mock_server::engine::{
    Error, Event, LeaseClaim, MessageAction, MessageId, PullAction, Reply, Scope, Stage,
};

use super::words::{A, through};
use crate::world::{World, dead_letters_to, failure, name, purge, pushed, redrive, success};

const HOOK: &str = "http://consumer.test/hook";

#[test]
fn a_receiver_gets_the_queues_messages_and_never_those_with_a_destination() {
    let mut world = World::new(1);
    let carried = world.send(through("q", A));
    let pulled = world.publish("q");
    let also_own = world.send(through("q", A));
    let received = world.receive("q", 10);
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].id, pulled);
    assert_eq!(world.open(), [carried], "its parallelism is 1");
    world.answer_next(success());
    assert_eq!(world.open(), [also_own], "a lease does not take a slot");
    assert!(world.acknowledge(&received[0]).is_ok());
}

#[test]
fn a_long_poll_does_not_end_with_a_message_that_has_a_destination() {
    let mut world = World::new(1);
    world.own_queue("q", 1, false);
    let waiter = world.wait("q", 20);
    world.send(through("q", A));
    assert_eq!(world.answered(waiter), None);
    let pulled = world.publish("q");
    let received = world.answered(waiter).expect("it is answered");
    assert_eq!(received[0].id, pulled);
}

#[test]
fn a_pushed_queue_of_parallelism_one_sends_both_kinds_in_one_order() {
    let mut world = World::new(1);
    world.queue("q", pushed(1));
    let mut ids = vec![];
    for _ in 0..3 {
        ids.push(world.publish("q"));
        ids.push(world.send(through("q", A)));
    }
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(world.open(), [*id]);
        assert_eq!(world.urls(), [if n % 2 == 0 { HOOK } else { A }]);
        world.answer_next(success());
    }
}

#[test]
fn at_parallelism_one_each_kind_waits_for_the_retries_of_the_other() {
    let mut world = World::new(1);
    world.queue("q", pushed(1));
    let of_queue = world.publish("q");
    let carried = world.send(through("q", A));
    let last = world.publish("q");
    world.answer_next(failure());
    assert!(world.calls.is_empty());
    world.advance_secs(1);
    assert_eq!(world.open(), [of_queue], "the queue's backoff is a second");
    world.answer_next(success());
    assert_eq!(world.open(), [carried]);
    world.answer_next(failure());
    world.advance_secs(11);
    assert!(world.calls.is_empty());
    world.advance_secs(1);
    assert_eq!(world.open(), [carried], "the ladder begins with 12 seconds");
    world.answer_next(success());
    assert_eq!(world.open(), [last]);
}

#[test]
fn at_parallelism_three_both_kinds_share_the_places() {
    let mut world = World::new(1);
    world.queue("q", pushed(3));
    let mut send = |n: u32| match n % 2 {
        0 => world.publish("q"),
        _ => world.send(through("q", A)),
    };
    let ids: Vec<MessageId> = (0..6).map(&mut send).collect();
    assert_eq!(world.open(), ids[..3]);
    // A message of the queue that waits for its retry gives its place back ...
    world.answer_message(ids[0], failure());
    assert_eq!(world.open(), ids[1..4]);
    // ... one with rules of its own keeps it.
    world.answer_message(ids[1], failure());
    assert_eq!(world.open(), ids[2..4]);
    world.answer_message(ids[2], success());
    assert_eq!(world.open(), ids[3..5]);
}

#[test]
fn a_message_with_rules_of_its_own_cannot_be_acknowledged_released_or_extended() {
    let mut world = World::new(1);
    let id = world.send(through("q", A));
    let refused = Err(Error::NotLeased);
    assert_eq!(
        world.act(PullAction::Acknowledge(id, LeaseClaim::Unnamed)),
        refused
    );
    assert_eq!(
        world.act(PullAction::Release(
            id,
            LeaseClaim::Unnamed,
            std::time::Duration::ZERO
        )),
        refused
    );
    assert_eq!(world.extend(id, None, 5), refused);
    assert_eq!(world.open(), [id]);
}

#[test]
fn a_purge_takes_both_kinds_and_a_redrive_only_the_queues() {
    let mut world = World::new(1);
    world.queue("q", dead_letters_to("dead"));
    world.own_queue("dead", 1, true);
    let carried = world.send(through("dead", A));
    let of_queue = world.publish("dead");
    assert_eq!(world.act(redrive(Some("q"), None)), Ok(Reply::Redriven(1)));
    assert_eq!(world.stage(of_queue), (Stage::Ready, "q".into()));
    assert_eq!(world.stage(carried), (Stage::Ready, "dead".into()));
    world.publish("dead");
    assert_eq!(world.act(purge(name("dead"))), Ok(Reply::Removed(2)));
    assert_eq!(world.stage(carried).0, Stage::Cancelled);
    assert!(world.events(carried).contains(&Event::Cancelled));
}

#[test]
fn a_message_in_a_queue_is_seen_and_cancelled_in_either_dialect() {
    let mut world = World::new(1);
    world.own_queue("q", 1, true);
    let id = world.send(through("q", A));
    let view = world.message(id).expect("it is seen");
    assert_eq!(&*view.carried.expect("its own rules are seen").url, A);
    let reply = world.act(MessageAction::Cancel(id, Scope::Queues));
    let cancelled = true;
    assert_eq!(reply, Ok(Reply::Cancelled { id, cancelled }));
    assert_eq!(
        world.act(MessageAction::Cancel(id, Scope::CarriedRules)),
        Err(Error::MessageNotFound)
    );
    let events = [Event::Created, Event::CancelRequested, Event::Cancelled];
    assert_eq!(world.events(id), events);
}
