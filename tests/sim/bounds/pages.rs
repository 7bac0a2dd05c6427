//! A page looks at a bounded number of entries: it may be short, even empty, and say where to go on.

use qstash_mock_server::engine::{
    DeadLetterQuery, FlowAction, LogQuery, MessageAction, Reply, Stage,
};

use super::bounded;
use crate::carried::words::{A, B, all_dead, all_rows, flowing, retries, to};
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
