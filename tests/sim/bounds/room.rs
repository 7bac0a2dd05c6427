//! Everything that the server keeps takes room, with all its text; when there is none left, more is refused.

use std::sync::Arc;

use qstash_mock_server::engine::{
    Action, Destination, Event, Headers, Outcome, Publish, QueuePatch, Redaction, ScheduleAction,
    UrlGroupAction,
};

use super::{bounded, is_refused};
use crate::carried::words::{
    A, DAY, callback, delayed, endpoint, expression, flowing, group_name, labelled, retries,
    schedule, to, with,
};
use crate::world::{but, failure, later, owner, publish, pushed, put, saying};

/// The bytes for which there is room, and the bytes of the text that each thing has: no more than six things fit.
const ROOM: usize = 20_000;
const TEXT: usize = 3_000;

fn long() -> String {
    "x".repeat(TEXT)
}

fn header() -> Headers {
    Arc::new([("X-Long".to_owned(), long())])
}

/// Gives things to a server until it refuses one: not the first three, and one that its text has no room for.
fn accepted(what: &str, thing: impl Fn(usize) -> Action) {
    let mut world = bounded(|it| it.held_bytes = ROOM);
    for n in 0..=ROOM / TEXT {
        let reply = world.act_only(&owner(), thing(n));
        if reply.is_err() {
            assert!(is_refused(&world, &reply), "{what}: {reply:?}");
            assert!(n >= 3, "{what}: only {n} are accepted");
            return;
        }
    }
    panic!("{what}: the text takes no room");
}

#[test]
fn what_a_message_says_beside_its_body_takes_room() {
    let carrying = || delayed(to(A), DAY);
    accepted("headers of a queue's message", |_| {
        but(later(publish("work"), 60), |it| it.headers = header()).into()
    });
    accepted("headers of a message with rules", |_| {
        with(carrying(), |it| it.headers = Some(header())).into()
    });
    accepted("labels", |_| labelled(carrying(), &[&long()]).into());
    accepted("a flow-control key", |_| {
        flowing(carrying(), &long(), 1, 0, 1).into()
    });
    accepted("headers of a callback", |_| {
        let mut back = callback(A);
        back.headers = header();
        with(carrying(), |it| it.callback = Some(Arc::new(back))).into()
    });
    accepted("names of redacted headers", |_| {
        let redaction = Redaction {
            headers: vec![long()],
            ..Redaction::default()
        };
        with(carrying(), |it| it.redaction = Some(Arc::new(redaction))).into()
    });
    accepted("the name of a built-in API", |_| {
        let mut to = crate::carried::words::carrying(carrying());
        to.destination = Destination::Api {
            name: long().into(),
            url: A.into(),
        };
        Publish::to_destination(to, "{}".into()).into()
    });
    accepted("a failure callback", |_| {
        let back = callback(&long());
        with(carrying(), |it| it.failure_callback = Some(Arc::new(back))).into()
    });
}

#[test]
fn a_formula_takes_as_much_room_as_its_steps_need() {
    let formula = format!("1{}", "+1".repeat(500));
    let delay = expression(&formula);
    for callback_too in [false, true] {
        let mut world = bounded(|it| it.held_bytes = 3 * ROOM);
        let message = || {
            with(delayed(to(A), DAY), |it| {
                let mut back = callback(A);
                back.retry_delay.clone_from(&delay);
                it.callback = callback_too.then(|| Arc::new(back));
                it.retry_delay = delay.clone().filter(|_| !callback_too);
            })
        };
        let sent = (0..60).take_while(|_| world.try_send(message()).is_ok());
        let sent = sent.count();
        assert!((2..8).contains(&sent), "{sent} messages");
    }
}

#[test]
fn what_is_overwritten_makes_room_for_what_replaces_it() {
    let group = || {
        let endpoints = vec![endpoint(&format!("{A}/{}", "x".repeat(ROOM / 2)), None)];
        UrlGroupAction::PutEndpoints(group_name("g"), endpoints)
    };
    let put = || {
        let body = saying(to(A), "x".repeat(ROOM / 2));
        ScheduleAction::Put(Box::new(schedule("s", "0 0 1 1 *", body)))
    };
    for twice in [
        [group(), group()].map(Action::from),
        [put(), put()].map(Action::from),
    ] {
        let mut world = bounded(|it| it.held_bytes = ROOM);
        for action in twice {
            let reply = world.act(action);
            assert!(reply.is_ok(), "{reply:?}");
        }
    }
}

#[test]
fn schedules_url_groups_and_queues_take_room() {
    accepted("bodies of schedules", |n| {
        let body = saying(to(A), long());
        let put = schedule(&format!("s{n}"), "0 0 1 1 *", body);
        ScheduleAction::Put(Box::new(put)).into()
    });
    accepted("formulas of schedules", |n| {
        let waiting = with(to(A), |it| {
            it.retry_delay = expression(&format!("1{}", "+1".repeat(100)));
        });
        ScheduleAction::Put(Box::new(schedule(&format!("s{n}"), "0 0 1 1 *", waiting))).into()
    });
    accepted("destinations of schedules", |n| {
        let there = to(&format!("{A}/{}", long()));
        ScheduleAction::Put(Box::new(schedule(&format!("s{n}"), "0 0 1 1 *", there))).into()
    });
    accepted("endpoints of URL groups", |n| {
        let endpoints = vec![endpoint(&format!("{A}/{}", long()), None)];
        UrlGroupAction::PutEndpoints(group_name(&format!("g{n}")), endpoints).into()
    });
    accepted("webhook URLs of queues", |n| {
        let patch = QueuePatch {
            webhook_url: Some(Some(long())),
            ..QueuePatch::default()
        };
        put(&format!("q{n}"), patch).into()
    });
}

#[test]
fn what_became_of_attempts_takes_room() {
    let mut world = bounded(|it| it.held_bytes = ROOM);
    world.queue("hook", pushed(16));
    let often = but(publish("hook"), |it| it.max_retries = Some(100));
    let id = world.publish_with(often);
    let telling = Outcome {
        error: Some("e".repeat(500)),
        ..failure()
    };
    for _ in 0..15 {
        assert!(world.until_call());
        world.answer_next(telling.clone());
    }
    let large = || saying(publish("work"), vec![b'1'; ROOM / 2]);
    let reply = world.act_only(&owner(), large());
    assert!(is_refused(&world, &reply), "{reply:?}");
    world.cancel_in_queue(id);
    world.publish_with(large());
}

#[test]
fn what_a_row_of_the_log_tells_of_a_failure_counts_for_the_log() {
    let answer = Outcome {
        body: long().into(),
        ..failure()
    };
    let headers = Outcome {
        headers: header(),
        ..failure()
    };
    let error = Outcome {
        error: Some(long()),
        ..failure()
    };
    for outcome in [answer, headers, error] {
        // Two messages of four rows, and the text of one.
        let mut world = bounded(|it| it.log_bytes = 8 * 256 + TEXT + TEXT / 2);
        let ids = [(); 2].map(|()| {
            let id = world.send(retries(to(A), 0));
            world.answer_next(outcome.clone());
            id
        });
        assert!(!world.events(ids[0]).contains(&Event::Error));
        assert!(world.events(ids[1]).contains(&Event::Error));
    }
}

#[test]
fn fewer_bytes_are_asked_for_of_an_answer_to_a_queues_message() {
    let mut world = bounded(|it| (it.queue_answer, it.answer) = (10, 1_000));
    world.queue("hook", pushed(16));
    world.publish("hook");
    world.send(to(A));
    let wanted: Vec<_> = world.calls.iter().map(|call| call.most_answer).collect();
    assert_eq!(wanted, [10, 1_000]);
}

#[test]
fn a_queue_takes_room_though_it_has_no_text() {
    // An account and ten queues, and no more.
    let mut world = bounded(|it| it.held_bytes = 11 * 1_024);
    for n in 0..10 {
        world.queue(&format!("q{n}"), QueuePatch::default());
    }
    let reply = world.act_only(&owner(), put("one-more", QueuePatch::default()));
    assert!(is_refused(&world, &reply), "{reply:?}");
}
