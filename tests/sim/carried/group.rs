//! v2.md sections 2.9 and 3.8: URL groups and fan-out.

use qstash_mock_server::engine::{Endpoint, EndpointRef, Error, Reply, UrlGroupAction};

use super::words::{
    A, B, C, delayed, endpoint, endpoint_ref, group_name, into_queue, retries, to_group,
};
use crate::world::{World, failure, success};

fn put(world: &mut World, endpoints: &[Endpoint]) {
    let action = UrlGroupAction::PutEndpoints(group_name("g"), endpoints.to_vec());
    world.done(action);
}

fn remove(world: &mut World, endpoints: &[EndpointRef]) {
    let action = UrlGroupAction::RemoveEndpoints(group_name("g"), endpoints.to_vec());
    world.done(action);
}

fn endpoints(world: &mut World) -> Vec<(String, Option<String>)> {
    let group = world.try_group("g").expect("the group is there");
    let all = group.endpoints.iter();
    all.map(|it| {
        (
            it.url.to_string(),
            it.name.as_ref().map(ToString::to_string),
        )
    })
    .collect()
}

fn pair(url: &str, name: Option<&str>) -> (String, Option<String>) {
    (url.into(), name.map(Into::into))
}

fn unknown() -> Error {
    Error::UrlGroupNotFound(group_name("g"))
}

#[test]
fn each_endpoint_gets_a_message_of_its_own_in_the_groups_order() {
    let mut world = World::new(1);
    put(
        &mut world,
        &[endpoint(B, Some("second letter")), endpoint(A, None)],
    );
    let sent = world.send_all(retries(to_group("g"), 0));
    let urls: Vec<_> = sent.iter().map(|sent| sent.url.as_deref()).collect();
    assert_eq!(urls, [Some(B), Some(A)]);
    assert_eq!(world.urls(), [B, A]);
    let carried = world.carried(sent[0].id).expect("readable").carried;
    let (group, name) = carried.expect("its own").group.clone().expect("a group");
    assert_eq!(
        (group, name.as_deref()),
        (group_name("g"), Some("second letter"))
    );
    world.answer_next(failure());
    world.answer_next(success());
    let dead = world.dlq();
    assert_eq!(dead.len(), 1, "one fails, the other does not");
    assert_eq!(dead[0].message, sent[0].id);
}

#[test]
fn a_message_to_an_unknown_group_is_refused() {
    let mut world = World::new(1);
    assert_eq!(world.try_send(to_group("g")), Err(unknown()));
}

#[test]
fn endpoints_are_known_by_their_name_or_else_by_their_url() {
    let mut world = World::new(1);
    put(&mut world, &[endpoint(A, Some("one")), endpoint(B, None)]);
    put(&mut world, &[endpoint(C, Some("one"))]);
    assert_eq!(endpoints(&mut world), [pair(C, Some("one")), pair(B, None)]);
    put(&mut world, &[endpoint(B, Some("two"))]);
    assert_eq!(
        endpoints(&mut world),
        [pair(C, Some("one")), pair(B, Some("two"))]
    );
    put(&mut world, &[endpoint(A, None), endpoint(A, None)]);
    assert_eq!(
        endpoints(&mut world).len(),
        3,
        "the same URL twice is one endpoint"
    );
}

#[test]
fn an_endpoint_is_removed_by_its_url_its_name_or_both() {
    let mut world = World::new(1);
    let all = [
        endpoint(A, Some("one")),
        endpoint(B, Some("two")),
        endpoint(C, None),
    ];
    put(&mut world, &all);
    remove(&mut world, &[endpoint_ref(Some(A), Some("two"))]);
    assert_eq!(endpoints(&mut world).len(), 3, "no endpoint is both");
    remove(&mut world, &[endpoint_ref(None, Some("one"))]);
    assert_eq!(endpoints(&mut world), [pair(B, Some("two")), pair(C, None)]);
    remove(
        &mut world,
        &[endpoint_ref(Some(C), None), endpoint_ref(None, None)],
    );
    assert_eq!(endpoints(&mut world), [pair(B, Some("two"))]);
}

#[test]
fn a_group_goes_with_its_last_endpoint() {
    let mut world = World::new(1);
    world.group("g", &[A, B]);
    remove(&mut world, &[endpoint_ref(Some(A), None)]);
    assert!(world.try_group("g").is_ok());
    remove(&mut world, &[endpoint_ref(Some(B), None)]);
    assert_eq!(world.try_group("g"), Err(unknown()));
    assert_eq!(world.try_send(to_group("g")), Err(unknown()));
}

#[test]
fn a_group_without_endpoints_is_not_made() {
    let mut world = World::new(1);
    put(&mut world, &[]);
    assert_eq!(world.try_group("g"), Err(unknown()));
}

#[test]
fn groups_are_listed_by_name_and_deleting_one_that_is_not_there_is_fine() {
    let mut world = World::new(1);
    for name in ["b", "a"] {
        world.group(name, &[A]);
    }
    let names = |world: &mut World| match world.act(UrlGroupAction::List {
        after: None,
        limit: 100,
    }) {
        Ok(Reply::UrlGroups { groups, next: None }) => {
            let names = groups.iter().map(|group| group.name.to_string());
            names.collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(names(&mut world), ["a", "b"]);
    for _ in 0..2 {
        world.done(UrlGroupAction::Delete(group_name("a")));
    }
    assert_eq!(names(&mut world), ["b"]);
}

#[test]
fn messages_under_way_survive_their_group() {
    let mut world = World::new(1);
    world.group("g", &[A]);
    world.send_all(to_group("g"));
    world.send_all(delayed(to_group("g"), 60));
    world.done(UrlGroupAction::Delete(group_name("g")));
    world.answer_next(failure());
    world.advance_secs(12);
    assert_eq!(world.urls(), [A]);
    world.answer_next(success());
    world.advance_secs(48);
    assert_eq!(world.urls(), [A]);
}

#[test]
fn a_groups_messages_through_a_queue_are_members_of_it_one_by_one() {
    let mut world = World::new(1);
    world.group("g", &[A, B]);
    world.send_all(into_queue(to_group("g"), "q"));
    assert_eq!(world.urls(), [A]);
    world.answer_next(success());
    assert_eq!(world.urls(), [B]);
}

#[test]
fn a_change_is_noted_with_its_time() {
    let mut world = World::new(1);
    world.group("g", &[A]);
    let made = world.now;
    world.advance_secs(60);
    world.group("g", &[B]);
    let group = world.try_group("g").expect("a group");
    assert_eq!((group.created_at, group.updated_at), (made, world.now));
}
