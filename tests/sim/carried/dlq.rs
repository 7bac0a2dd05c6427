//! v2.md sections 2.5 and 3.11: the account's dead letters.

use std::sync::Arc;

use bytes::Bytes;
use qstash_mock_server::engine::{
    Action, Config, DlqAction, DlqQuery, Error, Filter, MessageId, Method, Redaction, Reply, RowId,
    Seed, Send, Sent, Settings,
};

use super::words::{
    A, B, DAY, all_dead, calling_back, delayed, expression, flowing, labelled, millis, rejected,
    retries, telling_failure, through, to, unreachable, with,
};
use crate::world::{World, failure, name, success};

/// So many dead letters, a second apart, the oldest first.
fn dead(world: &mut World, count: usize) -> Vec<RowId> {
    for _ in 0..count {
        world.send(retries(to(A), 0));
        world.answer_next(failure());
        world.advance_secs(1);
    }
    let mut ids: Vec<_> = world.dlq().iter().map(|view| view.entry.id).collect();
    ids.reverse();
    ids
}

fn bury(world: &mut World, send: Send, outcome: qstash_mock_server::engine::Outcome) -> RowId {
    world.send(retries(send, 0));
    world.answer_next(outcome);
    world.dlq()[0].entry.id
}

fn ids(ids: &[RowId]) -> DlqQuery {
    DlqQuery {
        ids: ids.to_vec(),
        ..all_dead()
    }
}

fn page(world: &mut World, query: DlqQuery) -> (Vec<RowId>, Option<RowId>) {
    let (views, next) = world.dlq_page(query);
    (views.iter().map(|view| view.entry.id).collect(), next)
}

fn found(world: &mut World, change: impl FnOnce(&mut Filter)) -> Vec<RowId> {
    let mut query = all_dead();
    change(&mut query.filter);
    page(world, query).0
}

fn act(world: &mut World, action: DlqAction) -> Result<Reply, Error> {
    world.act(Action::Dlq(action))
}

fn retry(world: &mut World, id: RowId, settings: Settings) -> MessageId {
    match act(world, DlqAction::Retry(id, settings)) {
        Ok(Reply::Sent(Sent::One(sent))) => sent.id,
        other => panic!("not retried: {other:?}"),
    }
}

#[test]
fn a_dead_letter_keeps_the_message_its_body_and_the_last_answer() {
    let mut world = World::new(1);
    let send = Send {
        body: Bytes::from_static(b"keep me"),
        ..to(A)
    };
    let id = world.send(retries(send, 0));
    world.answer_next(failure());
    world.advance_secs(3600);
    let view = world.dlq().remove(0);
    assert_eq!(view.entry.message.id, id);
    assert_eq!(&*view.body, b"keep me");
    let response = view.entry.response.clone().expect("there was an answer");
    assert_eq!(
        (response.status, &*response.body),
        (500, &b"answer 500"[..])
    );
    let got = act(&mut world, DlqAction::Get(view.entry.id));
    assert_eq!(got, Ok(Reply::DlqEntry(Box::new(view))));
}

#[test]
fn dead_letters_are_listed_from_the_newest_or_from_the_oldest_page_by_page() {
    let mut world = World::new(1);
    let all = dead(&mut world, 5);
    let newest_first: Vec<_> = all.iter().rev().copied().collect();
    for (earliest_first, expected) in [(false, &newest_first), (true, &all)] {
        let mut query = DlqQuery {
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
    let query = DlqQuery {
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
    under_key.settings.caller_ip = Some("10.0.0.7".into());
    let under_key = bury(&mut world, under_key, failure());
    world.group("g", &[B]);
    let grouped = world.send_all(retries(super::words::to_group("g"), 0))[0].id;
    world.answer_next(failure());
    let grouped_row = world.dlq()[0].entry.id;
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
    assert_eq!(act(&mut world, DlqAction::Delete(all[0])), Ok(Reply::Done));
    let gone = Error::DlqNotFound(all[0]);
    assert_eq!(
        act(&mut world, DlqAction::Delete(all[0])),
        Err(gone.clone())
    );
    assert_eq!(act(&mut world, DlqAction::Get(all[0])), Err(gone));
    let many = DlqAction::DeleteMany(ids(&[all[0], all[1], all[1]]));
    let reply = |deleted, next| Ok(Reply::DlqDeleted { deleted, next });
    assert_eq!(act(&mut world, many), reply(1, None));
    let mut query = DlqQuery {
        count: 2,
        ..all_dead()
    };
    let many = act(&mut world, DlqAction::DeleteMany(query.clone()));
    assert_eq!(many, reply(2, Some(all[3])));
    query.cursor = Some(all[3]);
    assert_eq!(
        act(&mut world, DlqAction::DeleteMany(query)),
        reply(1, None)
    );
    assert!(world.dlq().is_empty());
}

#[test]
fn a_retry_is_a_fresh_message_and_the_entry_is_gone_at_once() {
    let mut world = World::new(1);
    let headers: Arc<[_]> = Arc::new([("X-One".into(), "1".into()), ("X-Two".into(), "2".into())]);
    let send = with(to(A), |it| it.headers = Some(Arc::clone(&headers)));
    let row = bury(&mut world, send, failure());
    let old = world.started[0].1.message;
    let new = retry(&mut world, row, Settings::default());
    assert_ne!(new, old);
    assert!(world.dlq().is_empty());
    let call = world.calls[0].clone();
    assert_eq!(
        (call.message, call.number, &*call.body),
        (new, 1, &b"{}"[..])
    );
    assert_eq!(call.headers, headers);
    let again = act(&mut world, DlqAction::Retry(row, Settings::default()));
    assert_eq!(again, Err(Error::DlqNotFound(row)));
    world.answer_next(failure());
    assert_eq!(world.dlq()[0].entry.message.id, new, "it may die again");
}

#[test]
fn a_retry_takes_what_is_overridden_and_keeps_the_rest() {
    let mut world = World::new(1);
    let headers = |list: &[(&str, &str)]| -> Option<Arc<[(String, String)]>> {
        let list = list
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        Some(list.collect())
    };
    let send = with(labelled(to(A), &["kept"]), |it| {
        it.headers = headers(&[("X-One", "1"), ("X-Two", "2")]);
        it.timeout = Some(super::words::secs(7));
    });
    let row = bury(&mut world, send, failure());
    let new = retry(
        &mut world,
        row,
        Settings {
            method: Some(Method::Patch),
            max_retries: Some(1),
            headers: headers(&[("x-two", "3")]),
            ..delayed(to(A), 60).settings
        },
    );
    assert!(world.calls.is_empty(), "it is delayed");
    world.advance_secs(60);
    let message = world.carried(new).expect("it is there").message;
    let carried = message.carried().expect("its own rules");
    assert_eq!((carried.method, carried.max_retries), (Method::Patch, 1));
    assert_eq!(
        (&*carried.labels[0], carried.timeout),
        ("kept", Some(super::words::secs(7)))
    );
    let expected = headers(&[("X-One", "1"), ("x-two", "3")]);
    assert_eq!(Some(message.headers), expected);
}

#[test]
fn every_other_setting_can_be_overridden_and_what_hides_is_hidden_unless_it_is() {
    let hiding = |name: &str| {
        Some(Arc::new(Redaction {
            headers: vec![name.into()],
            ..Redaction::default()
        }))
    };
    let given = |limit: u32, name: &str| {
        let send = labelled(flowing(to(A), "k", limit, 0, 1), &[name]);
        with(telling_failure(calling_back(send)), |it| {
            it.redaction = hiding(name);
            it.timeout = Some(super::words::secs(limit.into()));
            it.retry_delay = expression(&limit.to_string());
        })
    };
    let mut world = World::new(1);
    let carried_of = |world: &mut World, id| {
        let message = world.carried(id).expect("it is there").message;
        message.carried().expect("its own rules").as_ref().clone()
    };
    let row = bury(&mut world, given(7, "old"), failure());
    let new = retry(&mut world, row, given(8, "new").settings);
    let (kept, expected) = (carried_of(&mut world, new), given(8, "new").settings);
    assert_eq!(kept.redaction, hiding("new"));
    assert_eq!(kept.labels.len(), 1);
    assert_eq!(&*kept.labels[0], "new");
    assert_eq!(kept.timeout, expected.timeout);
    assert_eq!(kept.retry_delay, expected.retry_delay);
    assert_eq!(kept.flow_control, expected.flow_control);

    let mut world = World::new(1);
    let row = bury(&mut world, given(7, "old"), failure());
    let new = retry(&mut world, row, Settings::default());
    let (kept, expected) = (carried_of(&mut world, new), given(7, "old").settings);
    assert_eq!(kept.redaction, hiding("old"));
    assert_eq!(kept.callback, expected.callback);
    assert_eq!(kept.failure_callback, expected.failure_callback);
    assert_eq!(kept.flow_control, expected.flow_control);
}

#[test]
fn a_retry_goes_through_its_queue_again_and_makes_it_if_need_be() {
    let mut world = World::new(1);
    let row = bury(&mut world, through("q", A), failure());
    assert_eq!(
        world.act(Action::DeleteQueue(name("q"))),
        Ok(Reply::Removed(0))
    );
    let holder = world.send(through("q", B));
    let new = retry(&mut world, row, Settings::default());
    assert_eq!(world.open(), [holder]);
    world.answer_next(success());
    assert_eq!(world.open(), [new]);
}

#[test]
fn many_are_retried_by_filter_or_by_id_and_unknown_ids_alone_are_an_error() {
    let mut world = World::new(1);
    let all = dead(&mut world, 3);
    let many = |world: &mut World, query| match act(
        world,
        DlqAction::RetryMany(query, Settings::default()),
    ) {
        Ok(Reply::DlqRetried { sent, next }) => Ok((sent.len(), next)),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error),
    };
    let query = DlqQuery {
        count: 1,
        ..all_dead()
    };
    assert_eq!(many(&mut world, query), Ok((1, Some(all[2]))));
    assert_eq!(many(&mut world, ids(&[all[2], all[1]])), Ok((1, None)));
    let gone = Err(Error::DlqNotFound(all[2]));
    assert_eq!(many(&mut world, ids(&[all[2]])), gone);
    let mut nothing = all_dead();
    nothing.filter.urls = vec![B.into()];
    assert_eq!(many(&mut world, nothing), Ok((0, None)));
    assert_eq!(world.calls.len(), 2);
}

#[test]
fn a_dead_letter_is_forgotten_when_its_retention_is_over() {
    let mut world = World::new(1);
    let row = bury(&mut world, to(A), failure());
    world.advance(millis(7 * DAY * 1000 - 1));
    assert!(act(&mut world, DlqAction::Get(row)).is_ok());
    world.advance(millis(1));
    assert_eq!(
        act(&mut world, DlqAction::Get(row)),
        Err(Error::DlqNotFound(row))
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
