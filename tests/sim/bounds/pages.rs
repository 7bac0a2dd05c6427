//! A page looks at a bounded number of entries: it may be short, even empty, and say where to go on.

use qstash_mock_server::engine::{
    DeadLetterQuery, FlowAction, LogQuery, MessageAction, MetricsAction, Reply, ScheduleAction,
    Stage, UrlGroupAction,
};

use super::bounded;
use crate::carried::words::{A, B, all_dead, all_rows, flowing, retries, schedule, to};
use crate::world::{World, failure, name, success};

fn world() -> World {
    bounded(|it| it.list_scan = 3)
}

#[test]
fn a_filtered_log_is_read_to_its_end_by_following_the_cursor() {
    let mut world = world();
    for n in 0..10 {
        world.send(to(if n == 5 { B } else { A }));
        world.answer_next(success());
    }
    for earliest_first in [false, true] {
        let mut query = LogQuery {
            count: 2,
            earliest_first,
            ..all_rows()
        };
        query.filter.urls = vec![B.into()];
        let (mut found, mut pages) = (0, 0);
        loop {
            let (rows, next) = world.rows(query.clone());
            (found, pages) = (found + rows.len(), pages + 1);
            query.cursor = next;
            if next.is_none() {
                break;
            }
        }
        assert_eq!(found, 3);
        assert!(pages >= 10, "thirty rows, three a page at most: {pages}");
    }
}

#[test]
fn filtered_dead_letters_are_read_to_their_end_by_following_the_cursor() {
    let mut world = world();
    for n in 0..9 {
        world.send(retries(to(if n == 4 { B } else { A }), 0));
        world.answer_next(failure());
        world.advance_secs(1);
    }
    let mut query = DeadLetterQuery {
        count: 2,
        ..all_dead()
    };
    query.filter.urls = vec![B.into()];
    let mut lengths = vec![];
    loop {
        let (entries, next) = world.dlq_page(query.clone());
        lengths.push(entries.len());
        query.cursor = next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(lengths, [0, 1, 0]);
}

#[test]
fn messages_of_one_state_are_read_to_their_end_by_following_the_cursor() {
    let mut world = world();
    let ids: Vec<_> = (0..8).map(|_| world.publish("work")).collect();
    world.receive("work", 7);
    let mut after = None;
    let mut lengths = vec![];
    let mut found = vec![];
    loop {
        let reply = world.act(MessageAction::List {
            queue: name("work"),
            state: Some(Stage::Ready),
            after,
            limit: 5,
        });
        let Ok(Reply::Messages { messages, next }) = reply else {
            panic!("{reply:?}");
        };
        lengths.push(messages.len());
        found.extend(messages.into_iter().map(|view| view.id));
        after = next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(lengths, [0, 0, 1]);
    assert_eq!(found, ids[7..]);
}

#[test]
fn flow_control_keys_are_read_to_their_end_by_following_the_cursor() {
    let mut world = world();
    for key in ["a", "b", "c", "d", "e", "x", "y"] {
        world.send(flowing(to(A), key, 1, 0, 1));
    }
    let mut list = |after| {
        let action = FlowAction::List {
            search: Some("x".into()),
            after,
            limit: 2,
        };
        match world.act(action) {
            Ok(Reply::FlowKeys { keys, next }) => (keys.len(), next),
            other => panic!("{other:?}"),
        }
    };
    let (none, next) = list(None);
    assert_eq!((none, next.as_deref()), (0, Some("c")));
    let (one, next) = list(next);
    assert_eq!((one, next.as_deref()), (1, Some("x")));
    assert_eq!(list(next), (0, None));
}

/// Follows the cursor from page to page, each with one entry.
fn follow<T, C>(mut page: impl FnMut(Option<C>) -> (Vec<T>, Option<C>)) -> Vec<T> {
    let (mut all, mut cursor) = (vec![], None);
    for _ in 0..20 {
        let (mut found, next) = page(cursor);
        all.append(&mut found);
        if next.is_none() {
            return all;
        }
        cursor = next;
    }
    panic!("the cursor leads nowhere");
}

#[test]
fn rows_of_messages_that_are_named_are_read_once_each_in_either_direction() {
    let mut world = bounded(|_| {});
    let ids = [A, B].map(|url| world.send(to(url)));
    world.answer_next(success());
    for earliest_first in [false, true] {
        let rows = follow(|cursor| {
            let mut query = LogQuery {
                count: 1,
                earliest_first,
                cursor,
                ..all_rows()
            };
            query.filter.messages = ids.to_vec();
            world.rows(query)
        });
        let read: Vec<_> = rows.iter().map(|row| row.id).collect();
        assert_eq!(read.len(), 5);
        let in_order = |two: &[_]| (two[0] < two[1]) == earliest_first && two[0] != two[1];
        assert!(read.windows(2).all(in_order), "{read:?}");
    }
}

#[test]
fn dead_letters_of_messages_that_are_named_are_read_once_each_in_either_direction() {
    let mut world = bounded(|_| {});
    let ids = [A, B, A].map(|url| {
        let id = world.send(retries(to(url), 0));
        world.answer_next(failure());
        world.advance_secs(1);
        id
    });
    for earliest_first in [false, true] {
        let entries = follow(|cursor| {
            let mut query = DeadLetterQuery {
                count: 1,
                earliest_first,
                cursor,
                ..all_dead()
            };
            query.filter.messages = ids.to_vec();
            world.dlq_page(query)
        });
        let mut read: Vec<_> = entries.iter().map(|view| view.message).collect();
        if !earliest_first {
            read.reverse();
        }
        assert_eq!(read, ids);
    }
}

#[test]
fn url_groups_schedules_and_metrics_are_read_once_each_by_following_the_cursor() {
    let mut world = bounded(|_| {});
    for one in ["a", "b", "c"] {
        world.group(one, &[A]);
        world.put_schedule(schedule(one, "0 0 1 1 *", to(A)));
        world.publish(one);
    }
    let limit = 1;
    let groups = follow(
        |after| match world.act(UrlGroupAction::List { after, limit }) {
            Ok(Reply::UrlGroups { groups, next }) => (groups, next),
            other => panic!("{other:?}"),
        },
    );
    let groups = groups.iter().map(|group| group.name.to_string());
    assert_eq!(groups.collect::<Vec<_>>(), ["a", "b", "c"]);
    let schedules = follow(
        |after| match world.act(ScheduleAction::List { after, limit }) {
            Ok(Reply::Schedules { schedules, next }) => (schedules, next),
            other => panic!("{other:?}"),
        },
    );
    let schedules = schedules.iter().map(|view| view.schedule.id.to_string());
    assert_eq!(schedules.collect::<Vec<_>>(), ["a", "b", "c"]);
    let queues = follow(
        |after| match world.act(MetricsAction::Queues { after, limit }) {
            Ok(Reply::Metrics { metrics, next }) => (metrics.queues.into_keys().collect(), next),
            other => panic!("{other:?}"),
        },
    );
    assert_eq!(queues, ["a", "b", "c"].map(name));
}
