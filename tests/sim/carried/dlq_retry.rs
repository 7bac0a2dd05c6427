//! v2.md section 2.5: dead letters published again, with what is overridden.

use std::sync::Arc;

use qstash_mock_server::engine::{
    CarriedRules, DeadLetterAction, DeadLetterQuery, Error, MessageId, Method, Published,
    QueueAction, Redaction, Reply, RowId, Settings,
};

use super::dlq::{bury, dead, ids};
use super::words::{
    A, B, all_dead, calling_back, carrying, delayed, expression, flowing, labelled,
    telling_failure, through, to, with,
};
use crate::world::{World, failure, name, success};

fn retry(world: &mut World, id: RowId, settings: Settings) -> MessageId {
    match world.act(DeadLetterAction::Retry(id, Box::new(settings))) {
        Ok(Reply::Published(Published::One(sent))) => sent.id,
        other => panic!("not retried: {other:?}"),
    }
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
        (call.message, call.number, &call.body.bytes()[..]),
        (new, 1, &b"{}"[..])
    );
    assert_eq!(call.headers, headers);
    let again = world.act(DeadLetterAction::Retry(row, Box::default()));
    assert_eq!(again, Err(Error::DeadLetterNotFound(row)));
    world.answer_next(failure());
    assert_eq!(world.dlq()[0].message, new, "it may die again");
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
            ..carrying(delayed(to(A), 60)).settings
        },
    );
    assert!(world.calls.is_empty(), "it is delayed");
    world.advance_secs(60);
    let message = world.carried(new).expect("it is there");
    let carried = message.carried.expect("its own rules");
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
    let carried_of = |world: &mut World, id| -> Arc<CarriedRules> {
        let message = world.carried(id).expect("it is there");
        message.carried.expect("its own rules")
    };
    let row = bury(&mut world, given(7, "old"), failure());
    let new = retry(&mut world, row, carrying(given(8, "new")).settings);
    let (kept, expected) = (
        carried_of(&mut world, new),
        carrying(given(8, "new")).settings,
    );
    assert_eq!(kept.redaction, hiding("new"));
    assert_eq!(kept.labels.len(), 1);
    assert_eq!(&*kept.labels[0], "new");
    assert_eq!(kept.timeout, expected.timeout);
    assert_eq!(kept.retry_delay, expected.retry_delay);
    assert_eq!(kept.flow_control, expected.flow_control);

    let mut world = World::new(1);
    let row = bury(&mut world, given(7, "old"), failure());
    let new = retry(&mut world, row, Settings::default());
    let (kept, expected) = (
        carried_of(&mut world, new),
        carrying(given(7, "old")).settings,
    );
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
        world.act(QueueAction::Delete(name("q"))),
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
    let many = |world: &mut World, query| match world
        .act(DeadLetterAction::RetryMany(query, Box::default()))
    {
        Ok(Reply::DeadLettersRetried { messages, next, .. }) => Ok((messages.len(), next)),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error),
    };
    let query = DeadLetterQuery {
        count: 1,
        ..all_dead()
    };
    assert_eq!(many(&mut world, query), Ok((1, Some(all[2]))));
    assert_eq!(many(&mut world, ids(&[all[2], all[1]])), Ok((1, None)));
    let gone = Err(Error::DeadLetterNotFound(all[2]));
    assert_eq!(many(&mut world, ids(&[all[2]])), gone);
    let mut nothing = all_dead();
    nothing.filter.urls = vec![B.into()];
    assert_eq!(many(&mut world, nothing), Ok((0, None)));
    assert_eq!(world.calls.len(), 2);
}
