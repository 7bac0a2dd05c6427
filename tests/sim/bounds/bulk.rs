//! Operations on many messages, many at once.

use qstash_mock_server::engine::{Action, QueueAction, Reply, Stage, WaiterId};

use super::{bounded, is_refused};
use crate::carried::words::{A, cancel_all, delayed, through, to};
use crate::world::{World, dead_letters_to, name, owner, publish, purge, redrive};

fn removed(world: &mut World, waiter: WaiterId) -> usize {
    match world.answers.remove(&waiter) {
        Some(Reply::Removed(count)) => count,
        other => panic!("{waiter:?} was not answered: {other:?}"),
    }
}

#[test]
fn two_hundred_cancels_asked_for_at_once_all_end_and_count_each_message_once() {
    let mut world = bounded(|it| it.bulk_step = 10);
    for _ in 0..150 {
        world.send(delayed(to(A), 600));
    }
    let waiters: Vec<_> = (0..200).map(|_| world.begin(cancel_all())).collect();
    world.advance_secs(1);
    let counts = waiters.into_iter().map(|it| removed(&mut world, it));
    assert_eq!(counts.sum::<usize>(), 150);
    assert_eq!(world.act(cancel_all()), Ok(Reply::Removed(0)));
}

#[test]
fn a_purge_a_cancel_and_a_deletion_of_the_same_messages_count_each_of_them_once() {
    let mut world = bounded(|it| it.bulk_step = 3);
    world.own_queue("q", 1, true);
    for _ in 0..20 {
        world.send(through("q", A));
    }
    let purged = world.begin(purge(name("q")));
    let cancel = world.begin(cancel_all());
    let delete = world.begin(QueueAction::Delete(name("q")));
    world.advance_secs(1);
    let counts = [purged, cancel, delete].map(|it| removed(&mut world, it));
    assert_eq!(counts.iter().sum::<usize>(), 20, "{counts:?}");
}

#[test]
fn messages_that_come_while_a_scan_is_under_way_do_not_keep_it_going() {
    let mut world = bounded(|it| it.bulk_step = 2);
    for _ in 0..6 {
        world.publish("work");
    }
    let purged = world.begin(purge(name("work")));
    let mut late = vec![];
    while !world.answers.contains_key(&purged) {
        assert!(late.len() < 10, "it never ends");
        let reply = world.act_only(&owner(), publish("work"));
        let Ok(Reply::Published(published)) = reply else {
            panic!("{reply:?}");
        };
        late.push(published.messages()[0].id);
        world.tick();
    }
    assert_eq!(removed(&mut world, purged), 6);
    for id in late {
        assert_eq!(world.stage(id).0, Stage::Ready);
    }
}

#[test]
fn so_many_bulk_operations_may_be_under_way_and_one_more_is_refused() {
    let mut world = bounded(|it| (it.bulk_jobs, it.bulk_step) = (2, 2));
    world.queue("work", dead_letters_to("dead"));
    for _ in 0..5 {
        world.publish("work");
        world.send(through("other", A));
    }
    let first = world.begin(purge(name("work")));
    let second = world.begin(purge(name("other")));
    let actions: [Action; 5] = [
        purge(name("dead")).into(),
        QueueAction::Delete(name("other")).into(),
        redrive(Some("work"), None).into(),
        redrive(Some("new"), None).into(),
        cancel_all().into(),
    ];
    for action in actions {
        let shown = format!("{action:?}");
        let reply = world.act_only(&owner(), action);
        assert!(is_refused(&world, &reply), "{shown}: {reply:?}");
    }
    world.advance_secs(1);
    assert_eq!([first, second].map(|it| removed(&mut world, it)), [5, 5]);
    assert!(world.act(QueueAction::Get(name("other"))).is_ok());
    assert!(world.act(QueueAction::Get(name("new"))).is_err());
    assert_eq!(world.act(cancel_all()), Ok(Reply::Removed(0)));
}

#[test]
fn all_deletions_that_a_crash_interrupted_go_on() {
    let mut world = bounded(|it| (it.bulk_jobs, it.bulk_step) = (2, 1));
    let mut ids = vec![];
    for queue in ["one", "two"] {
        ids.extend((0..5).map(|_| world.publish(queue)));
    }
    for queue in ["one", "two"] {
        world.begin(QueueAction::Delete(name(queue)));
    }
    let commits = world.commits.len();
    world.crash_after(commits);
    for id in ids {
        assert_eq!(world.message(id), None);
    }
    assert!(world.disk.bodies.is_empty(), "{:?}", world.disk.bodies);
}
