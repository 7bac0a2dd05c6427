//! Listed dead letters and the answers that they keep.

use std::sync::Arc;

use bytes::Bytes;
use qstash_mock_server::engine::{Caller, DeadLetterAction, Outcome, Reply, RowId};

use super::bounded;
use crate::carried::words::{A, B, all_dead, retries, telling_failure, to};
use crate::world::{World, failure, saying, success};

fn answering(bytes: usize) -> Outcome {
    Outcome {
        body: Bytes::from(vec![b'!'; bytes]),
        ..failure()
    }
}

fn die(world: &mut World, answer: usize) -> RowId {
    world.send(retries(to(A), 0));
    world.answer_next(answering(answer));
    world.advance_secs(1);
    world.dlq()[0].id
}

/// Status and length of the answers, the oldest first.
fn answers(world: &mut World) -> Vec<(u16, usize)> {
    let mut all: Vec<_> = world
        .dlq()
        .iter()
        .map(|view| view.response.as_ref().expect("there was an answer"))
        .map(|response| (response.status, response.body.len()))
        .collect();
    all.reverse();
    all
}

#[test]
fn the_oldest_answers_are_cut_to_their_status_and_nothing_is_refused() {
    let mut world = bounded(|it| it.answer_bytes = 1_000);
    die(&mut world, 500);
    die(&mut world, 500);
    assert_eq!(
        answers(&mut world),
        [(500, 500), (500, 500)],
        "at the bound"
    );
    die(&mut world, 1);
    let one_past = [(500, 0), (500, 500), (500, 1)];
    assert_eq!(answers(&mut world), one_past);
    die(&mut world, 1_000);
    let only_the_last = [(500, 0), (500, 0), (500, 0), (500, 1_000)];
    assert_eq!(answers(&mut world), only_the_last);
    world.crash();
    assert_eq!(answers(&mut world), only_the_last);
    world.send(to(B));
}

#[test]
fn an_answer_that_is_longer_than_all_may_be_together_is_cut_at_once() {
    let mut world = bounded(|it| it.answer_bytes = 1_000);
    die(&mut world, 1_001);
    assert_eq!(answers(&mut world), [(500, 0)]);
}

#[test]
fn answers_take_no_room_from_messages() {
    let mut world = bounded(|it| (it.answer_bytes, it.held_bytes) = (50_000, 20_000));
    for _ in 0..8 {
        die(&mut world, 5_000);
    }
    world.send(saying(to(B), vec![b'1'; 5_000]));
}

#[test]
fn a_dead_letter_that_is_deleted_makes_room_for_the_answers_of_others() {
    let mut world = bounded(|it| it.answer_bytes = 1_000);
    let first = die(&mut world, 600);
    assert_eq!(world.act(DeadLetterAction::Delete(first)), Ok(Reply::Done));
    let second = die(&mut world, 400);
    die(&mut world, 600);
    assert_eq!(answers(&mut world), [(500, 400), (500, 600)]);
    let retry = DeadLetterAction::Retry(second, Box::default());
    assert!(world.act(retry).is_ok());
    world.answer_next(success());
    die(&mut world, 400);
    assert_eq!(answers(&mut world), [(500, 600), (500, 400)]);
}

#[test]
fn a_failure_callback_tells_the_answer_that_its_dead_letter_no_longer_has() {
    let mut world = bounded(|it| it.answer_bytes = 10);
    world.send(telling_failure(retries(to(A), 0)));
    world.answer_next(answering(11));
    assert_eq!(answers(&mut world), [(500, 0)]);
    let told = world.answer_next(success());
    let told = String::from_utf8(told.body.bytes().to_vec()).expect("text");
    assert!(told.contains("Some(500)"), "{told}");
}

#[test]
fn so_many_dead_letters_are_listed_in_the_whole_server_and_the_oldest_goes() {
    let mut world = bounded(|it| it.all_dead_letters = 2);
    let stranger = Arc::new(Caller::owner("stranger"));
    let theirs =
        |world: &mut World| match world.act_as(&stranger, DeadLetterAction::List(all_dead())) {
            Ok(Reply::DeadLetters { entries, .. }) => entries.len(),
            other => panic!("{other:?}"),
        };
    let mine = die(&mut world, 1);
    for left in [[1, 1], [0, 2], [0, 2]] {
        assert!(world.send_as(&stranger, retries(to(B), 0)).is_ok());
        world.answer_next(failure());
        world.advance_secs(1);
        assert_eq!([world.dlq().len(), theirs(&mut world)], left);
    }
    assert!(world.act(DeadLetterAction::Get(mine)).is_err());
    world.crash();
    assert_eq!(theirs(&mut world), 2);
}

#[test]
fn a_server_with_smaller_bounds_keeps_the_newest_dead_letters_that_a_larger_one_stored() {
    for of_one_account in [true, false] {
        let mut world = bounded(|_| {});
        let ids = [(); 4].map(|()| die(&mut world, 1));
        let limits = &mut world.config.limits;
        if of_one_account {
            limits.dead_letters = 2;
        } else {
            limits.all_dead_letters = 2;
        }
        world.crash();
        let left: Vec<_> = world.dlq().iter().map(|view| view.id).collect();
        assert_eq!(left, [ids[3], ids[2]]);
    }
}
