//! Bounds that are counted in bytes or in records, to the last one.

use std::sync::Arc;

use qstash_mock_server::engine::{
    DeadLetterAction, Entity, Event, Headers, Limits, MessageId, Publish, QueueAction, QueuePatch,
};

use super::{ToLimits, bounded, is_refused};
use crate::carried::words::{A, B, C, calling_back, carrying, retries, to, to_group, with};
use crate::world::{World, but, failure, name, owner, publish, pushed, saying, success};

/// What things count for beside their text (`engine/model/cost.rs`).
const MESSAGE: usize = 512;
const QUEUE: usize = 1024;
const ACCOUNT: usize = 192;
const ROW: usize = 256;

fn sized(publish: Publish, bytes: usize) -> Publish {
    saying(publish, vec![b'1'; bytes])
}

fn cancelled(world: &mut World) -> MessageId {
    let id = world.publish("work");
    world.cancel_in_queue(id);
    id
}

/// Publishes until all but a few bytes of the room are taken, and returns the messages.
fn fill(world: &mut World) -> Vec<MessageId> {
    world.queue("full", QueuePatch::default());
    let mut filler = vec![];
    for bytes in [4_000, 1_000, 250, 50, 10] {
        while let Ok(published) = world.try_send(sized(publish("full"), bytes)) {
            filler.push(published.messages()[0].id);
        }
    }
    filler
}

/// Lets the message that is pushed fail so many times, each time with another answer of 300 bytes.
fn fail(world: &mut World, times: usize) {
    for n in 0..times {
        assert!(world.until_call(), "it has retries left");
        let mut outcome = failure();
        outcome.body = format!("{n:300}").into();
        world.answer_next(outcome);
    }
}

/// The numbers of the attempts of which the message has records.
fn remembered(world: &mut World, id: MessageId) -> Vec<u32> {
    let view = world.message(id).expect("it is there");
    view.history.iter().map(|record| record.number).collect()
}

const fn is_answer(entity: &Entity) -> bool {
    matches!(entity, Entity::Answer(..))
}

const fn is_record(entity: &Entity) -> bool {
    matches!(entity, Entity::Record(..))
}

fn tried_often(world: &mut World) -> MessageId {
    world.queue("hook", pushed(16));
    world.publish_with(but(publish("hook"), |it| it.max_retries = Some(100)))
}

#[test]
fn a_message_that_fills_the_server_to_the_last_byte_is_accepted_and_one_byte_more_is_refused() {
    let mut world = bounded(|it| it.held_bytes = 10_000);
    world.publish("work");
    let first = ACCOUNT + "defaultUser".len() + QUEUE + "work".len() + MESSAGE + "{}".len();
    let room = 10_000 - first - MESSAGE;
    let reply = world.act_only(&owner(), sized(publish("work"), room + 1));
    assert!(is_refused(&world, &reply), "{reply:?}");
    world.publish_with(sized(publish("work"), room));
}

#[test]
fn a_message_to_a_group_needs_room_for_each_endpoint_or_none_is_published() {
    let mut world = bounded(|it| it.held_bytes = 20_000);
    world.group("g", &[A, B, C]);
    let reply = world.act_only(&owner(), sized(to_group("g"), 7_000));
    assert!(is_refused(&world, &reply), "{reply:?}");
    assert!(world.calls.is_empty());
    world.send_all(sized(to_group("g"), 3_000));
    assert_eq!(world.calls.len(), 3);
}

#[test]
fn a_dead_letter_is_retried_in_its_own_room_and_with_more_text_only_if_there_is_more_room() {
    let mut world = bounded(|it| it.held_bytes = 10_000);
    world.send(retries(sized(to(A), 3_000), 0));
    world.answer_next(failure());
    fill(&mut world);
    let row = world.dlq()[0].id;
    let long: Headers = Arc::new([("X-Long".to_owned(), "x".repeat(1_000))]);
    let longer = carrying(with(to(A), |it| it.headers = Some(long))).settings;
    let reply = world.act_only(&owner(), DeadLetterAction::Retry(row, Box::new(longer)));
    assert!(is_refused(&world, &reply), "{reply:?}");
    assert_eq!(world.dlq().len(), 1);
    let retry = DeadLetterAction::Retry(row, Box::default());
    assert!(world.act(retry).is_ok());
    assert!(world.dlq().is_empty());
}

#[test]
fn a_callback_for_which_there_is_no_room_is_not_made_and_the_log_says_so() {
    let mut world = bounded(|it| it.held_bytes = 5_000);
    let fits = world.send(calling_back(to(A)));
    world.answer_message(fits, success());
    world.answer_next(success());
    assert_eq!(world.started.len(), 2);
    let too_large = world.send(sized(calling_back(to(A)), 2_500));
    world.answer_message(too_large, success());
    assert!(world.calls.is_empty(), "a callback past the bound");
    let rows = world.rows_of(too_large);
    let refused = rows.iter().find(|row| row.event == Event::Error);
    let why = refused.and_then(|row| row.error.clone()).expect("a row");
    assert!(why.contains("the callback was not made"), "{why}");
}

#[test]
fn while_the_server_is_full_attempts_go_on_and_leave_one_record_and_no_answer() {
    let mut world = bounded(|it| it.held_bytes = 20_000);
    let id = tried_often(&mut world);
    let filler = fill(&mut world);
    fail(&mut world, 4);
    assert_eq!(remembered(&mut world, id), [4]);
    assert_eq!(world.disk.count(is_record), 1);
    assert_eq!(world.disk.count(is_answer), 0);
    for id in filler {
        world.cancel_in_queue(id);
    }
    fail(&mut world, 2);
    assert_eq!(remembered(&mut world, id).len(), 3, "there is room again");
    assert_eq!(world.disk.count(is_answer), 1);
}

#[test]
fn so_many_attempts_of_a_message_are_remembered_and_the_oldest_goes() {
    let mut world = bounded(|it| it.history = 3);
    let id = tried_often(&mut world);
    fail(&mut world, 3);
    assert_eq!(remembered(&mut world, id), [1, 2, 3]);
    fail(&mut world, 2);
    assert_eq!(remembered(&mut world, id), [3, 4, 5]);
    assert_eq!(world.disk.count(is_record), 3);
}

#[test]
fn so_many_finished_messages_of_so_many_bytes_stay_readable_and_the_oldest_goes() {
    let bounds: [(ToLimits, usize); 4] = [
        (|it| it.finished_messages = 2, 2),
        (|it| it.finished_messages = 1, 1),
        (|it| it.finished_bytes = 2 * MESSAGE, 2),
        (|it| it.finished_bytes = 2 * MESSAGE - 1, 1),
    ];
    for (bound, kept) in bounds {
        let mut world = bounded(bound);
        let ids = [(); 4].map(|()| cancelled(&mut world));
        let readable = ids.map(|id| usize::from(world.message(id).is_some()));
        assert_eq!(readable.iter().sum::<usize>(), kept, "{readable:?}");
        assert!(readable.is_sorted(), "the oldest goes: {readable:?}");
    }
}

#[test]
fn logs_are_full_to_the_last_byte_before_a_row_is_forgotten() {
    let bounds: [fn(&mut Limits, usize); 2] = [
        |it, bytes| it.log_bytes = bytes,
        |it, bytes| it.all_log_bytes = bytes,
    ];
    // Two messages of three rows each.
    for (bytes, left) in [(6 * ROW, 3), (6 * ROW - 1, 2)] {
        for bound in bounds {
            let mut world = bounded(|it| bound(it, bytes));
            let [first, second] = [(); 2].map(|()| {
                let id = world.send(to(A));
                world.answer_message(id, success());
                id
            });
            assert_eq!(world.events(first).len(), left);
            assert_eq!(world.events(second).len(), 3);
        }
    }
}

#[test]
fn a_queue_that_is_made_and_deleted_leaves_nothing_in_memory() {
    let mut world = World::new(1);
    let mut come_and_go = |times: usize| {
        for _ in 0..times {
            world.queue("comes-and-goes", QueuePatch::default());
            let delete = QueueAction::Delete(name("comes-and-goes"));
            assert!(world.act(delete).is_ok());
        }
        format!("{:?}", world.engine).len()
    };
    let (few, many) = (come_and_go(10), come_and_go(100));
    assert!(many < few + 500, "{few} bytes tell of ten, {many} of more");
}
