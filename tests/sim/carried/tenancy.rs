//! v2.md sections 1.3 and 2.11: read-only and limited grants, accounts, signing keys.

use std::sync::Arc;

use qstash_mock_server::engine::{
    AccountName, Action, Caller, Config, DlqAction, Error, FlowAction, Permission, Permissions,
    Reply, ScheduleAction, Secret, Seed, Selection, Sent, SigningKeys, UrlGroupAction,
};

use super::words::{
    A, all_dead, all_rows, delayed, endpoint, flowing, group_name, retries, schedule, schedule_id,
    through, to,
};
use crate::words::secret_of;
use crate::world::{World, failure, name, success};

fn writes(world: &mut World) -> Vec<Action> {
    let id = world.send(delayed(to(A), 60));
    let row = world.dlq()[0].entry.id;
    let selection = Selection::Filter {
        filter: Box::default(),
        count: None,
    };
    let put = schedule("t", "* * * * *", to(A));
    let endpoints = vec![endpoint(A, None)];
    vec![
        Action::Send(Box::new(to(A))),
        Action::SendBatch(vec![to(A)]),
        Action::CancelCarried(id),
        Action::CancelMany(selection),
        Action::UpsertQueue {
            name: name("q"),
            parallelism: 1,
            paused: true,
        },
        Action::SetPaused(name("q"), true),
        Action::DeleteQueue(name("q")),
        Action::Dlq(DlqAction::Delete(row)),
        Action::Dlq(DlqAction::DeleteMany(all_dead())),
        Action::Dlq(DlqAction::Retry(row, Default::default())),
        Action::Dlq(DlqAction::RetryMany(all_dead(), Default::default())),
        Action::UrlGroups(UrlGroupAction::PutEndpoints(group_name("g"), endpoints)),
        Action::UrlGroups(UrlGroupAction::RemoveEndpoints(group_name("g"), vec![])),
        Action::UrlGroups(UrlGroupAction::SetHeaders(group_name("g"), vec![])),
        Action::UrlGroups(UrlGroupAction::Delete(group_name("g"))),
        Action::Schedules(ScheduleAction::Put(Box::new(put))),
        Action::Schedules(ScheduleAction::Delete(schedule_id("s"))),
        Action::Schedules(ScheduleAction::SetPaused(schedule_id("s"), true)),
        Action::FlowControl(FlowAction::SetPaused("k".into(), true)),
        Action::FlowControl(FlowAction::ResetRate("k".into())),
        Action::RotateSigningKeys,
    ]
}

fn reads(world: &mut World) -> Vec<Action> {
    let id = world.send(delayed(to(A), 60));
    let row = world.dlq()[0].entry.id;
    vec![
        Action::GetCarried(id),
        Action::GetQueue(name("q")),
        Action::Dlq(DlqAction::List(all_dead())),
        Action::Dlq(DlqAction::Get(row)),
        Action::Log(all_rows()),
        Action::UrlGroups(UrlGroupAction::List),
        Action::UrlGroups(UrlGroupAction::Get(group_name("g"))),
        Action::Schedules(ScheduleAction::List),
        Action::Schedules(ScheduleAction::Get(schedule_id("s"))),
        Action::FlowControl(FlowAction::List(None)),
        Action::FlowControl(FlowAction::Get("k".into())),
        Action::GlobalParallelism,
        Action::SigningKeys,
    ]
}

/// One of everything.
fn furnished() -> World {
    let mut world = World::new(1);
    world.own_queue("q", 1, false);
    world.group("g", &[A]);
    world.put_schedule(schedule("s", "0 0 1 1 *", to(A)));
    world.send(flowing(retries(to(A), 0), "k", 1, 0, 1));
    world.answer_next(failure());
    world
}

#[test]
fn a_read_only_caller_reads_everything_and_changes_nothing() {
    let mut world = furnished();
    let reader = Arc::new(Caller {
        read_only: true,
        ..Caller::owner("defaultUser")
    });
    let (reads, writes) = (reads(&mut world), writes(&mut world));
    let commits = world.commits.len();
    for action in writes {
        let shown = format!("{action:?}");
        assert_eq!(
            world.act_as(&reader, action),
            Err(Error::ReadOnly),
            "{shown}"
        );
    }
    for action in reads {
        let shown = format!("{action:?}");
        let reply = world.act_as(&reader, action);
        assert!(reply.is_ok(), "{shown}: {reply:?}");
    }
    assert!(world.commits[commits..].iter().all(Vec::is_empty));
}

#[test]
fn a_limited_caller_enqueues_to_its_queue_and_may_do_nothing_else() {
    let mut world = furnished();
    let limited = Arc::new(Caller {
        queues: Some(vec!["q".into()]),
        permissions: Permissions::from_iter([Permission::Publish]),
        ..Caller::owner("defaultUser")
    });
    let actions = [reads(&mut world), writes(&mut world)].concat();
    let commits = world.commits.len();
    for action in actions {
        let shown = format!("{action:?}");
        match world.act_as(&limited, action) {
            Err(Error::Forbidden { .. } | Error::ForbiddenAccount { .. }) => {}
            Ok(Reply::SentBatch(items)) => assert!(items[0].is_err(), "{shown}"),
            other => panic!("{shown}: {other:?}"),
        }
    }
    assert!(world.commits[commits..].iter().all(Vec::is_empty));
    assert!(world.send_as(&limited, through("q", A)).is_ok());
    let other = world.send_as(&limited, through("r", A));
    assert!(matches!(other, Err(Error::Forbidden { .. })), "{other:?}");
}

#[test]
fn accounts_see_nothing_of_each_other() {
    let mut world = furnished();
    let stranger = Arc::new(Caller::owner("stranger"));
    for action in reads(&mut world) {
        let shown = format!("{action:?}");
        let empty = match world.act_as(&stranger, action) {
            Ok(Reply::Dlq { entries, .. }) => entries.is_empty(),
            Ok(Reply::Log { rows, .. }) => rows.is_empty(),
            Ok(Reply::UrlGroups(groups)) => groups.is_empty(),
            Ok(Reply::Schedules(schedules)) => schedules.is_empty(),
            Ok(Reply::FlowKeys(keys)) => keys.is_empty(),
            Ok(Reply::GlobalParallelism { count, .. }) => count == 0,
            Ok(Reply::SigningKeys(keys)) => {
                Ok(Reply::SigningKeys(keys)) != world.act(Action::SigningKeys)
            }
            Err(_) => true,
            other => panic!("{shown}: {other:?}"),
        };
        assert!(empty, "{shown}");
    }
}

#[test]
fn the_same_names_in_two_accounts_are_two_things() {
    let mut world = World::new(1);
    let stranger = Arc::new(Caller::owner("stranger"));
    let send = || flowing(through("q", A), "k", 1, 1, 60);
    let mine = world.send(send());
    let theirs = match world.send_as(&stranger, send()) {
        Ok(Reply::Sent(Sent::One(sent))) => sent.id,
        other => panic!("{other:?}"),
    };
    assert_eq!(world.open(), [mine, theirs]);
    let pause = Action::FlowControl(FlowAction::SetPaused("k".into(), true));
    world.done_as(&stranger, pause);
    assert!(!world.flow("k").key.paused);
    let key = |world: &World, n: usize| secret_of(&world.calls[n]);
    assert_ne!(
        key(&world, 0),
        key(&world, 1),
        "each signs with its own key"
    );
}

fn keys(reply: Result<Reply, Error>) -> SigningKeys {
    match reply {
        Ok(Reply::SigningKeys(keys)) => keys,
        other => panic!("no keys: {other:?}"),
    }
}

#[test]
fn a_rotation_makes_the_next_key_the_current_one_and_messages_are_signed_by_it() {
    let mut world = World::new(1);
    let before = keys(world.act(Action::SigningKeys));
    world.send(to(A));
    assert_eq!(secret_of(&world.calls[0]), before.current);
    let after = keys(world.act(Action::RotateSigningKeys));
    assert_eq!(after.current, before.next);
    let all = [&before.current, &before.next, &after.next];
    let distinct: std::collections::BTreeSet<_> = all.into_iter().collect();
    assert_eq!(distinct.len(), 3, "a fresh next key");
    assert_eq!(keys(world.act(Action::SigningKeys)), after);
    world.answer_next(failure());
    world.advance_secs(12);
    assert_eq!(secret_of(&world.calls[0]), after.current, "a retry too");
    let third = keys(world.act(Action::RotateSigningKeys));
    assert_eq!(third.current, after.next);
    world.crash();
    assert_eq!(keys(world.act(Action::SigningKeys)), third);
}

#[test]
fn configured_keys_are_used_until_they_are_rotated() {
    let mut config = Config::new(Seed::from(1));
    let pair = ["sig_current", "sig_next"].map(|key| Secret(key.into()));
    config
        .signing_keys
        .insert(AccountName::new("defaultUser"), pair);
    let mut world = World::with(config);
    let first = keys(world.act(Action::SigningKeys));
    assert_eq!((&*first.current, &*first.next), ("sig_current", "sig_next"));
    world.send(to(A));
    assert_eq!(&*secret_of(&world.calls[0]), "sig_current");
    world.answer_next(success());
    let second = keys(world.act(Action::RotateSigningKeys));
    assert_eq!(&*second.current, "sig_next");
    world.crash();
    assert_eq!(keys(world.act(Action::SigningKeys)), second);
}
