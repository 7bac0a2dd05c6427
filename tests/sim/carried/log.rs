//! v2.md sections 2.6 and 3.13: one row for each step of a message's life.

use qstash_mock_server::engine::{Config, Event, LogQuery, MessageId, RowId, Seed, Timestamp};

use super::words::{A, B, DAY, all_rows, delayed, labelled, millis, retries, secs, through, to};
use crate::world::{World, failure, success};

use Event::{Active, CancelRequested, Cancelled, Created, Delivered, Error, Failed, Retry};

/// When each row of a message was written, in milliseconds after the first.
fn times(world: &mut World, id: MessageId) -> Vec<u128> {
    let rows = world.rows_of(id);
    let first = rows[0].id.at;
    rows.iter()
        .map(|row| row.id.at.since(first).as_millis())
        .collect()
}

#[test]
fn a_delivered_message_is_created_active_delivered() {
    let mut world = World::new(1);
    let id = world.send(delayed(to(A), 5));
    assert_eq!(world.events(id), [Created]);
    world.advance_secs(5);
    assert_eq!(world.events(id), [Created, Active]);
    world.advance_secs(2);
    world.answer_next(success());
    assert_eq!(world.events(id), [Created, Active, Delivered]);
    assert_eq!(times(&mut world, id), [0, 5_000, 7_000]);
}

#[test]
fn a_message_that_fails_without_retries_has_four_rows() {
    let mut world = World::new(1);
    let id = world.send(retries(to(A), 0));
    world.answer_next(failure());
    assert_eq!(world.events(id), [Created, Active, Error, Failed]);
}

#[test]
fn a_retry_is_announced_with_its_time() {
    let mut world = World::new(1);
    let id = world.send(to(A));
    world.answer_next(failure());
    assert_eq!(world.events(id), [Created, Active, Error, Retry]);
    let due = world.now + secs(12);
    let rows = world.rows_of(id);
    assert_eq!(rows[3].next_delivery, Some(due));
    let answer = rows[2]
        .response
        .clone()
        .expect("the failed attempt's answer");
    assert_eq!(
        (answer.status, rows[2].error.as_deref()),
        (500, Some("status 500"))
    );
    world.advance_secs(12);
    world.answer_next(success());
    let all = [Created, Active, Error, Retry, Active, Delivered];
    assert_eq!(world.events(id), all);
    let others = world
        .rows_of(id)
        .into_iter()
        .filter(|row| row.event != Error);
    assert!(others.into_iter().all(|row| row.response.is_none()));
}

#[test]
fn a_cancelled_message_is_asked_for_at_once_and_cancelled_at_its_next_delivery_time() {
    let mut world = World::new(1);
    let id = world.send(delayed(to(A), 60));
    world.advance_secs(10);
    assert_eq!(world.cancel_ids(&[id]), 1);
    assert_eq!(world.events(id), [Created, CancelRequested]);
    world.advance(millis(49_999));
    assert_eq!(world.events(id), [Created, CancelRequested]);
    world.advance(millis(1));
    assert_eq!(world.events(id), [Created, CancelRequested, Cancelled]);
    assert_eq!(times(&mut world, id), [0, 10_000, 60_000]);
}

#[test]
fn a_message_cancelled_between_attempts_is_cancelled_when_the_retry_would_have_been() {
    let mut world = World::new(1);
    let id = world.send(to(A));
    world.answer_next(failure());
    world.advance_secs(2);
    assert_eq!(world.cancel_ids(&[id]), 1);
    let begin = [Created, Active, Error, Retry, CancelRequested];
    assert_eq!(world.events(id), begin);
    world.advance_secs(10);
    assert_eq!(world.events(id), [&begin[..], &[Cancelled]].concat());
    assert!(!world.until_call());
}

#[test]
fn a_message_that_waits_or_is_under_way_is_cancelled_at_once() {
    let mut world = World::new(1);
    let under_way = world.send(through("q", A));
    let waiting = world.send(through("q", A));
    assert_eq!(world.cancel_ids(&[waiting, under_way]), 2);
    assert_eq!(world.events(waiting), [Created, CancelRequested, Cancelled]);
    let all = [Created, Active, CancelRequested, Cancelled];
    assert_eq!(world.events(under_way), all);
    world.answer_next(success());
    assert_eq!(
        world.events(under_way),
        all,
        "what it answers comes too late"
    );
}

#[test]
fn a_cancellation_far_ahead_takes_nothing_from_the_log() {
    let mut world = World::new(1);
    let before = world.send(to(A));
    world.answer_next(success());
    let id = world.send(delayed(to(A), 60 * DAY));
    assert_eq!(world.cancel_ids(&[id]), 1);
    assert_eq!(world.events(before), [Created, Active, Delivered]);
    assert_eq!(world.events(id), [Created, CancelRequested]);
}

#[test]
fn the_created_row_has_the_body_and_every_row_says_what_the_message_carries() {
    let mut world = World::new(1);
    let id = world.send(labelled(through("q", A), &["one"]));
    world.answer_next(success());
    let rows = world.rows_of(id);
    let body = rows[0].body.as_ref().expect("the created row has the body");
    assert_eq!(&body.bytes()[..], b"{}");
    for row in rows {
        let carried = row.carried.expect("what it carries");
        assert_eq!((&*carried.url, &*carried.labels[0]), (A, "one"));
        assert_eq!(row.queue.map(|queue| queue.to_string()), Some("q".into()));
    }
}

fn ids(world: &mut World, query: &LogQuery) -> (Vec<RowId>, Option<RowId>) {
    let (rows, next) = world.rows(query.clone());
    (rows.iter().map(|row| row.id).collect(), next)
}

#[test]
fn the_log_is_read_from_either_end_page_by_page() {
    let mut world = World::new(1);
    for _ in 0..5 {
        world.send(to(A));
        world.answer_next(success());
        world.advance_secs(1);
    }
    let (oldest_first, _) = ids(&mut world, &all_rows());
    assert_eq!(oldest_first.len(), 15);
    assert!(oldest_first.is_sorted());
    for earliest_first in [true, false] {
        let mut query = LogQuery {
            count: 4,
            earliest_first,
            ..all_rows()
        };
        let mut seen = vec![];
        loop {
            let (mut page, next) = ids(&mut world, &query);
            seen.append(&mut page);
            query.cursor = next;
            if next.is_none() {
                break;
            }
        }
        if !earliest_first {
            seen.reverse();
        }
        assert_eq!(seen, oldest_first);
    }
}

#[test]
fn a_cursor_is_not_disturbed_by_new_rows() {
    let mut world = World::new(1);
    for _ in 0..3 {
        world.send(to(A));
    }
    let mut query = LogQuery {
        count: 4,
        earliest_first: false,
        ..all_rows()
    };
    let (first, next) = ids(&mut world, &query);
    query.cursor = next;
    world.send(to(B));
    let (second, end) = ids(&mut world, &query);
    assert_eq!((first.len(), second.len(), end), (4, 2, None));
    assert!(second.iter().all(|id| *id < first[3]));
}

#[test]
fn rows_are_found_by_event_message_url_host_path_and_time() {
    let mut world = World::new(1);
    let one = world.send(to(A));
    world.answer_next(success());
    world.advance_secs(10);
    let two = world.send(retries(to("https://b.example:8443/x/y?z"), 0));
    world.answer_next(failure());
    let mut found = |change: fn(&mut LogQuery)| {
        let mut query = all_rows();
        change(&mut query);
        let rows = world.rows(query).0;
        rows.iter()
            .map(|row| (row.message, row.event))
            .collect::<Vec<_>>()
    };
    let of_two = [(two, Created), (two, Active), (two, Error), (two, Failed)];
    assert_eq!(
        found(|it| it.filter.hosts = vec!["B.example".into()]),
        of_two
    );
    assert_eq!(found(|it| it.filter.paths = vec!["/x/y".into()]), of_two);
    let start = |it: &mut LogQuery| {
        it.filter.from = Some(Timestamp::from_millis(1_700_000_010_000));
    };
    assert_eq!(found(start), of_two);
    let ends = found(|it| it.events = vec![Delivered, Failed]);
    assert_eq!(ends, [(one, Delivered), (two, Failed)]);
    assert_eq!(found(|it| it.filter.urls = vec![A.into()]).len(), 3);
}

#[test]
fn the_log_keeps_a_bounded_number_of_rows_and_bytes() {
    for (rows, bytes) in [(10, usize::MAX), (1_000, 10 * 300)] {
        let mut config = Config::new(Seed::from(1));
        config.limits.log_rows = rows;
        config.limits.log_bytes = bytes;
        let mut world = World::with(config);
        let ids: Vec<_> = (0..50).map(|_| world.send(to(A))).collect();
        let (left, _) = world.rows(all_rows());
        assert!((5..=11).contains(&left.len()), "{} rows", left.len());
        assert_eq!(left.last().map(|row| row.message), ids.last().copied());
    }
}

#[test]
fn a_row_is_forgotten_when_its_retention_is_over() {
    let mut world = World::new(1);
    let id = world.send(to(A));
    world.answer_next(success());
    world.advance_secs(7 * DAY);
    assert_eq!(world.events(id).len(), 3);
    world.advance(millis(1));
    assert_eq!(world.events(id), []);
}
