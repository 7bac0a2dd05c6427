//! One input publishes a bounded number of messages of a batch, and of dead letters that are retried.

use qstash_mock_server::engine::{
    Action, DeadLetterAction, DeadLetterQuery, Error, Publish, Reply, RowId,
};

use super::bounded;
use crate::carried::dlq::{dead, ids};
use crate::carried::words::{A, B, C, all_dead, to, to_group};
use crate::world::{World, owner, publish};

const PUBLISHES: usize = 3;

fn world() -> World {
    bounded(|it| (it.publishes, it.retried) = (PUBLISHES, PUBLISHES))
}

/// Gives a command and then, one by one, the commands for the rest, and returns how many messages each one published.
fn steps(world: &mut World, action: Action) -> Vec<usize> {
    let (mut steps, mut action) = (vec![], Some(action));
    while let Some(next) = action {
        assert!(steps.len() < 100, "there is always a rest");
        let mut reply = world.act_only(&owner(), next).expect("a reply");
        action = reply.take_rest();
        steps.push(match reply {
            Reply::Batch { results, .. } => results.iter().filter(|it| it.is_ok()).count(),
            Reply::DeadLettersRetried { messages, .. } => messages.len(),
            other => panic!("{other:?}"),
        });
    }
    steps
}

fn retry(query: DeadLetterQuery) -> Action {
    DeadLetterAction::RetryMany(query, Box::default()).into()
}

/// Gives a command, and returns its reply and the command for the rest.
fn first(world: &mut World, action: Action) -> (Reply, Option<Action>) {
    let mut reply = world.act_only(&owner(), action).expect("a reply");
    let rest = reply.take_rest();
    (reply, rest)
}

#[test]
fn a_batch_is_published_in_steps_and_in_order() {
    let mut world = world();
    let batch: Vec<_> = (0..8).map(|_| publish("work")).collect();
    assert_eq!(steps(&mut world, Action::PublishBatch(batch)), [3, 3, 2]);
    let batch: Vec<Publish> = (0..5).map(|_| publish("other")).collect();
    let Ok(Reply::Batch { results, rest }) = world.act(Action::PublishBatch(batch)) else {
        panic!("the batch was refused");
    };
    assert_eq!(rest, None);
    let told = results.iter().flatten();
    let told: Vec<_> = told.flat_map(|it| it.messages()).map(|it| it.id).collect();
    let received = world.receive("other", 10);
    let received: Vec<_> = received.iter().map(|it| it.id).collect();
    assert_eq!(told, received);
}

#[test]
fn a_batch_of_as_many_as_one_input_may_publish_leaves_no_rest() {
    let mut world = world();
    let batch = (0..PUBLISHES).map(|_| publish("work")).collect();
    let (_, rest) = first(&mut world, Action::PublishBatch(batch));
    assert_eq!(rest, None);
    let (reply, rest) = first(&mut world, Action::PublishBatch(vec![]));
    assert_eq!(
        (reply, rest),
        (
            Reply::Batch {
                results: vec![],
                rest: None
            },
            None
        )
    );
}

#[test]
fn items_that_are_refused_and_endpoints_of_a_group_count_too() {
    let mut world = world();
    world.group("g", &[A, B, C]);
    let batch = vec![
        to(A),
        to_group("g"),
        to_group("none"),
        to_group("none"),
        to_group("none"),
        to(A),
    ];
    assert_eq!(steps(&mut world, Action::PublishBatch(batch)), [2, 0, 1]);
}

#[test]
fn a_page_of_dead_letters_is_retried_in_steps_and_never_further() {
    let mut world = world();
    let all = dead(&mut world, 9);
    let query = DeadLetterQuery {
        count: 7,
        earliest_first: true,
        ..all_dead()
    };
    assert_eq!(steps(&mut world, retry(query)), [3, 3, 1]);
    assert_eq!(left(&mut world), all[7..]);
}

#[test]
fn the_cursor_of_the_whole_page_is_that_of_its_last_step() {
    let mut world = world();
    let all = dead(&mut world, 6);
    let query = |cursor| DeadLetterQuery {
        count: 4,
        earliest_first: true,
        cursor,
        ..all_dead()
    };
    let page = |world: &mut World, cursor| match world.act(retry(query(cursor))) {
        Ok(Reply::DeadLettersRetried { messages, next, .. }) => (messages.len(), next),
        other => panic!("{other:?}"),
    };
    assert_eq!(page(&mut world, None), (4, Some(all[3])));
    assert_eq!(page(&mut world, Some(all[3])), (2, None));
}

#[test]
fn named_dead_letters_are_retried_in_steps_each_once() {
    let mut world = world();
    let all = dead(&mut world, 5);
    let twice: Vec<_> = all.iter().chain(&all).copied().collect();
    assert_eq!(steps(&mut world, retry(ids(&twice))), [3, 2]);
    assert_eq!(left(&mut world), []);
}

#[test]
fn a_rest_that_is_gone_meanwhile_does_not_hide_what_was_retried() {
    let mut world = world();
    let all = dead(&mut world, 4);
    let (reply, rest) = first(&mut world, retry(ids(&all)));
    let Reply::DeadLettersRetried { messages, .. } = reply else {
        panic!("{reply:?}");
    };
    assert_eq!(messages.len(), 3);
    world.done(DeadLetterAction::Delete(all[3]));
    let rest = world.act_only(&owner(), rest.expect("one is left"));
    assert_eq!(rest, Err(Error::DeadLetterNotFound(all[3])));
}

fn left(world: &mut World) -> Vec<RowId> {
    let mut ids: Vec<_> = world.dlq().iter().map(|view| view.id).collect();
    ids.reverse();
    ids
}
