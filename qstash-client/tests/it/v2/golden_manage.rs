//! The requests of everything but publishing, as golden text; see `golden`.

use std::time::Duration;

use http::Method;
use qstash_client::Timestamp;
use qstash_client::v2::{
    All, DlqFilter, Endpoint, EndpointRef, FlowControl, Group, LogFilter, LogState, MessageFilter,
    Order, Redact,
};

use crate::v2::golden::{Pages, URL, add};

#[tokio::test]
async fn messages() {
    let mut pages = Pages::new();
    add!(pages, "get", |v2| v2.messages().get("msg_1").send());
    add!(pages, "an id that needs encoding", |v2| v2
        .messages()
        .get("a/b?c")
        .send());
    add!(pages, "cancel", |v2| v2.messages().cancel("msg_1").send());
    add!(pages, "cancel many", |v2| v2
        .messages()
        .cancel_many(["msg_1", "msg_2", "msg_1"])
        .send());
    let filter = || {
        MessageFilter::url_groups(["orders"])
            .and(MessageFilter::queues(["mails", "events"]))
            .and(MessageFilter::urls([URL]))
            .and(MessageFilter::hosts(["example.com"]))
            .and(MessageFilter::paths(["/hook"]))
            .and(MessageFilter::labels(["nightly"]))
            .and(MessageFilter::flow_control_keys(["key"]))
            .and(MessageFilter::schedules(["scd_1"]))
            .and(MessageFilter::caller_ips(["203.0.113.9"]))
            .and(MessageFilter::since(Timestamp::from_millis(1)))
            .and(MessageFilter::until(Timestamp::from_millis(2)))
    };
    add!(pages, "cancel matching", |v2| v2
        .messages()
        .cancel_matching(filter())
        .count(500)
        .send());
    add!(pages, "cancel all", |v2| v2
        .messages()
        .cancel_all(All)
        .send());
    insta::assert_snapshot!(pages.text);
}

#[tokio::test]
async fn dead_letters() {
    let mut pages = Pages::new();
    let filter = || {
        DlqFilter::message("msg_1")
            .and(DlqFilter::url_groups(["orders"]))
            .and(DlqFilter::queues(["mails"]))
            .and(DlqFilter::urls([URL]))
            .and(DlqFilter::labels(["nightly"]))
            .and(DlqFilter::flow_control_keys(["key"]))
            .and(DlqFilter::schedules(["scd_1"]))
            .and(DlqFilter::caller_ips(["203.0.113.9"]))
            .and(DlqFilter::response_statuses([500, 502]))
            .and(DlqFilter::since(Timestamp::from_millis(1)))
            .and(DlqFilter::until(Timestamp::from_millis(2)))
    };
    add!(pages, "list", |v2| v2.dlq().list().send());
    add!(pages, "list with everything", |v2| v2
        .dlq()
        .list()
        .filter(filter())
        .count(10)
        .order(Order::EarliestFirst)
        .cursor("c")
        .send());
    add!(pages, "get", |v2| v2.dlq().get("1725323658779-0").send());
    add!(pages, "delete", |v2| v2.dlq().delete("1-0").send());
    add!(pages, "delete many", |v2| v2
        .dlq()
        .delete_many(["1-0", "2-0"])
        .send());
    add!(pages, "delete matching", |v2| v2
        .dlq()
        .delete_matching(filter())
        .count(7)
        .cursor("c")
        .send());
    add!(pages, "delete all", |v2| v2.dlq().delete_all(All).send());
    add!(pages, "retry", |v2| v2.dlq().retry("1-0").send());
    add!(pages, "retry with overrides", |v2| v2
        .dlq()
        .retry("1-0")
        .retries(0)
        .timeout(Duration::from_secs(5))
        .callback("https://example.com/done")
        .failure_callback("https://example.com/failed")
        .header("X-Again", "1")
        .method(Method::PUT)
        .retry_delay(500)
        .flow_control(FlowControl::parallelism("key", 1))
        .label("again")
        .redact(Redact::Body)
        .raw_header("Upstash-Delay", "5s")
        .send());
    add!(pages, "retry many", |v2| v2
        .dlq()
        .retry_many(["1-0", "2-0"])
        .retries(1)
        .send());
    add!(pages, "retry matching", |v2| v2
        .dlq()
        .retry_matching(DlqFilter::labels(["a"]))
        .count(3)
        .cursor("c")
        .send());
    add!(pages, "retry all", |v2| v2.dlq().retry_all(All).send());
    insta::assert_snapshot!(pages.text);
}

#[tokio::test]
async fn logs() {
    let mut pages = Pages::new();
    add!(pages, "list", |v2| v2.logs().send());
    let filter = || {
        LogFilter::messages(["msg_1", "msg_2"])
            .and(LogFilter::states([
                LogState::Cancelled,
                LogState::InProgress,
            ]))
            .and(LogFilter::url_groups(["orders"]))
            .and(LogFilter::queues(["mails"]))
            .and(LogFilter::urls([URL]))
            .and(LogFilter::hosts(["example.com"]))
            .and(LogFilter::paths(["/hook"]))
            .and(LogFilter::labels(["nightly"]))
            .and(LogFilter::flow_control_keys(["key"]))
            .and(LogFilter::schedules(["scd_1"]))
            .and(LogFilter::caller_ips(["203.0.113.9"]))
            .and(LogFilter::since(Timestamp::from_millis(1)))
            .and(LogFilter::until(Timestamp::from_millis(2)))
    };
    add!(pages, "list with everything", |v2| v2
        .logs()
        .filter(filter())
        .count(1000)
        .order(Order::LatestFirst)
        .cursor("c")
        .send());
    insta::assert_snapshot!(pages.text);
}

#[tokio::test]
async fn queues() {
    let mut pages = Pages::new();
    add!(pages, "upsert with defaults", |v2| v2
        .queues()
        .upsert("mails")
        .send());
    add!(pages, "upsert", |v2| v2
        .queues()
        .upsert("mails")
        .parallelism(2)
        .paused(true)
        .send());
    add!(pages, "list", |v2| v2.queues().list().send());
    add!(pages, "get", |v2| v2.queues().get("mails").send());
    add!(pages, "delete", |v2| v2.queues().delete("mails").send());
    add!(pages, "pause", |v2| v2.queues().pause("mails").send());
    add!(pages, "resume", |v2| v2.queues().resume("mails").send());
    insta::assert_snapshot!(pages.text);
}

#[tokio::test]
async fn schedules() {
    let mut pages = Pages::new();
    add!(pages, "create", |v2| v2
        .schedules()
        .create(URL, " */5 * * * * ")
        .json(&1)
        .send());
    add!(pages, "create with everything", |v2| v2
        .schedules()
        .create(Group("orders"), "0 4 * * *")
        .id("nightly")
        .time_zone("Europe/Berlin")
        .queue("mails")
        .delay(Duration::from_secs(60))
        .method(Method::GET)
        .header("X-Tenant", "7")
        .retries(1)
        .retry_delay("1000")
        .timeout(Duration::from_secs(5))
        .content_type("text/plain")
        .body("tick")
        .label("nightly")
        .callback("https://example.com/done")
        .failure_callback("https://example.com/failed")
        .flow_control(FlowControl::parallelism("key", 1))
        .redact(Redact::Body)
        .send());
    add!(pages, "list", |v2| v2.schedules().list().send());
    add!(pages, "get", |v2| v2.schedules().get("scd_1").send());
    add!(pages, "delete", |v2| v2.schedules().delete("scd_1").send());
    add!(pages, "pause", |v2| v2.schedules().pause("scd_1").send());
    add!(pages, "resume", |v2| v2.schedules().resume("scd_1").send());
    insta::assert_snapshot!(pages.text);
}

#[tokio::test]
async fn url_groups() {
    let mut pages = Pages::new();
    add!(pages, "add endpoints", |v2| v2
        .url_groups()
        .add_endpoints(
            "orders",
            [
                Endpoint::url(URL),
                Endpoint::url("https://b.test").named("the b")
            ]
        )
        .send());
    add!(pages, "remove endpoints", |v2| v2
        .url_groups()
        .remove_endpoints(
            "orders",
            [
                EndpointRef::Url(URL.into()),
                EndpointRef::Name("the b".into())
            ]
        )
        .send());
    add!(pages, "set defaults", |v2| v2
        .url_groups()
        .set_defaults("orders")
        .retries(3)
        .forward_all_headers()
        .header("X-Tag", "a")
        .header("X-Tag", "b")
        .send());
    add!(pages, "list", |v2| v2.url_groups().list().send());
    add!(pages, "get", |v2| v2.url_groups().get("orders").send());
    add!(pages, "delete", |v2| v2
        .url_groups()
        .delete("orders")
        .send());
    insta::assert_snapshot!(pages.text);
}

#[tokio::test]
async fn flow_control_and_keys() {
    let mut pages = Pages::new();
    add!(pages, "list", |v2| v2.flow_control().list().send());
    add!(pages, "search", |v2| v2
        .flow_control()
        .list()
        .search("a b")
        .send());
    add!(pages, "get, encoded", |v2| v2
        .flow_control()
        .get("tenant/7")
        .send());
    add!(pages, "pause", |v2| v2.flow_control().pause("key").send());
    add!(pages, "resume", |v2| v2.flow_control().resume("key").send());
    add!(pages, "reset the rate", |v2| v2
        .flow_control()
        .reset_rate("key")
        .send());
    add!(pages, "pin", |v2| v2
        .flow_control()
        .pin("key")
        .parallelism(5)
        .rate(10)
        .period(Duration::from_secs(60))
        .send());
    add!(pages, "unpin", |v2| v2
        .flow_control()
        .unpin("key")
        .parallelism()
        .rate()
        .send());
    add!(pages, "unpin the rate", |v2| v2
        .flow_control()
        .unpin("key")
        .rate()
        .send());
    add!(pages, "the global parallelism", |v2| v2
        .flow_control()
        .global_parallelism()
        .send());
    add!(pages, "keys", |v2| v2.keys().get().send());
    add!(pages, "rotate the keys", |v2| v2.keys().rotate().send());
    insta::assert_snapshot!(pages.text);
}
