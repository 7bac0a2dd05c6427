//! v2.md sections 2.5 and 3.11: the account's dead letters.

use qstash_mock_server::engine::{
    Config, DeadLetterAction, DeadLetterQuery, Error, Filter, Outcome, Publish, Reply, RowId, Seed,
};

use super::words::{
    A, B, DAY, all_dead, flowing, labelled, millis, rejected, retries, through, to, unreachable,
    with,
};
use crate::world::{World, failure, saying};

/// So many dead letters, a second apart, the oldest first.
pub(crate) fn dead(world: &mut World, count: usize) -> Vec<RowId> {
    for _ in 0..count {
        world.send(retries(to(A), 0));
        world.answer_next(failure());
        world.advance_secs(1);
    }
    let mut ids: Vec<_> = world.dlq().iter().map(|view| view.id).collect();
    ids.reverse();
    ids
}

pub(super) fn bury(world: &mut World, send: Publish, outcome: Outcome) -> RowId {
    world.send(retries(send, 0));
    world.answer_next(outcome);
    world.dlq()[0].id
}

pub(crate) fn ids(ids: &[RowId]) -> DeadLetterQuery {
    DeadLetterQuery {
        ids: ids.to_vec(),
        ..all_dead()
    }
}

fn page(world: &mut World, query: DeadLetterQuery) -> (Vec<RowId>, Option<RowId>) {
    let (views, next) = world.dlq_page(query);
    (views.iter().map(|view| view.id).collect(), next)
}

fn found(world: &mut World, change: impl FnOnce(&mut Filter)) -> Vec<RowId> {
    let mut query = all_dead();
    change(&mut query.filter);
    page(world, query).0
}

#[test]
fn a_dead_letter_keeps_the_message_its_body_and_the_last_answer() {
    let mut world = World::new(1);
    let id = world.send(retries(saying(to(A), "keep me"), 0));
    world.answer_next(failure());
    world.advance_secs(3600);
    let view = world.dlq().remove(0);
    assert_eq!(view.message, id);
    assert_eq!(&view.body.bytes()[..], b"keep me");
    let response = view.response.clone().expect("there was an answer");
    assert_eq!(
        (response.status, &*response.body),
        (500, &b"answer 500"[..])
    );
    let got = world.act(DeadLetterAction::Get(view.id));
    assert_eq!(got, Ok(Reply::DeadLetter(Box::new(view))));
}

#[test]
fn dead_letters_are_listed_from_the_newest_or_from_the_oldest_page_by_page() {
    let mut world = World::new(1);
    let all = dead(&mut world, 5);
    let newest_first: Vec<_> = all.iter().rev().copied().collect();
    for (earliest_first, expected) in [(false, &newest_first), (true, &all)] {
        let mut query = DeadLetterQuery {
            count: 2,
            earliest_first,
            ..all_dead()
        };
        let mut seen = vec![];
        loop {
            let (mut ids, next) = page(&mut world, query.clone());
            assert!(ids.len() == 2 || next.is_none());
            seen.append(&mut ids);
            query.cursor = next;
            if next.is_none() {
                break;
            }
        }
        assert_eq!(&seen, expected);
    }
}

#[test]
fn a_last_page_that_is_just_full_has_no_cursor() {
    let mut world = World::new(1);
    dead(&mut world, 2);
    let query = DeadLetterQuery {
        count: 2,
        ..all_dead()
    };
    let (ids, next) = page(&mut world, query);
    assert_eq!((ids.len(), next), (2, None));
}

#[test]
fn dead_letters_are_found_by_every_field() {
    let mut world = World::new(1);
    let plain = bury(&mut world, to(A), failure());
    let silent = bury(&mut world, to(B), unreachable());
    let queued = bury(&mut world, through("q", A), rejected());
    let mut under_key = labelled(flowing(to(A), "k", 1, 0, 1), &["one", "two"]);
    under_key = with(under_key, |it| it.caller_ip = Some("10.0.0.7".into()));
    let under_key = bury(&mut world, under_key, failure());
    world.group("g", &[B]);
    let grouped = world.send_all(retries(super::words::to_group("g"), 0))[0].id;
    world.answer_next(failure());
    let grouped_row = world.dlq()[0].id;
    let strings = |texts: &[&str]| {
        texts
            .iter()
            .map(|text| (*text).to_owned())
            .collect::<Vec<_>>()
    };
    let world = &mut world;
    assert_eq!(
        found(world, |it| it.urls = strings(&[B])),
        [grouped_row, silent]
    );
    assert_eq!(found(world, |it| it.statuses = vec![0]), [silent]);
    assert_eq!(
        found(world, |it| it.statuses = vec![489, 0]),
        [queued, silent]
    );
    assert_eq!(found(world, |it| it.queues = strings(&["q"])), [queued]);
    assert_eq!(
        found(world, |it| it.flow_keys = strings(&["k", "x"])),
        [under_key]
    );
    assert_eq!(
        found(world, |it| it.labels = strings(&["two"])),
        [under_key]
    );
    assert_eq!(
        found(world, |it| it.caller_ips = strings(&["10.0.0.7"])),
        [under_key]
    );
    assert_eq!(
        found(world, |it| it.groups = strings(&["g"])),
        [grouped_row]
    );
    assert_eq!(
        found(world, |it| it.messages = vec![grouped]),
        [grouped_row]
    );
    assert_eq!(found(world, |it| it.schedules = strings(&["s"])), []);
    let both = found(world, |it| {
        it.urls = strings(&[A]);
        it.statuses = vec![500];
    });
    assert_eq!(both, [under_key, plain]);
}

#[test]
fn times_of_a_filter_are_inclusive() {
    let mut world = World::new(1);
    let all = dead(&mut world, 3);
    let window = found(&mut world, |it| {
        it.from = Some(all[1].at);
        it.to = Some(all[1].at);
    });
    assert_eq!(window, all[1..2]);
}

#[test]
fn one_is_deleted_once_and_many_are_counted() {
    let mut world = World::new(1);
    let all = dead(&mut world, 5);
    assert_eq!(world.act(DeadLetterAction::Delete(all[0])), Ok(Reply::Done));
    let gone = Error::DeadLetterNotFound(all[0]);
    assert_eq!(
        world.act(DeadLetterAction::Delete(all[0])),
        Err(gone.clone())
    );
    assert_eq!(world.act(DeadLetterAction::Get(all[0])), Err(gone));
    let many = DeadLetterAction::DeleteMany(ids(&[all[0], all[1], all[1]]));
    let reply = |deleted, next| Ok(Reply::DeadLettersDeleted { deleted, next });
    assert_eq!(world.act(many), reply(1, None));
    let mut query = DeadLetterQuery {
        count: 2,
        ..all_dead()
    };
    let many = world.act(DeadLetterAction::DeleteMany(query.clone()));
    assert_eq!(many, reply(2, Some(all[3])));
    query.cursor = Some(all[3]);
    assert_eq!(
        world.act(DeadLetterAction::DeleteMany(query)),
        reply(1, None)
    );
    assert!(world.dlq().is_empty());
}

#[test]
fn a_dead_letter_is_forgotten_when_its_retention_is_over() {
    let mut world = World::new(1);
    let row = bury(&mut world, to(A), failure());
    world.advance(millis(7 * DAY * 1000 - 1));
    assert!(world.act(DeadLetterAction::Get(row)).is_ok());
    world.advance(millis(1));
    assert_eq!(
        world.act(DeadLetterAction::Get(row)),
        Err(Error::DeadLetterNotFound(row))
    );
}

#[test]
fn over_the_bound_the_oldest_is_forgotten() {
    let mut config = Config::new(Seed::from(1));
    config.limits.dead_letters = 2;
    let mut world = World::with(config);
    let first = bury(&mut world, to(A), failure());
    let second = bury(&mut world, to(A), failure());
    assert_eq!(page(&mut world, all_dead()).0, [second, first]);
    let third = bury(&mut world, to(A), failure());
    assert_eq!(page(&mut world, all_dead()).0, [third, second]);
}
