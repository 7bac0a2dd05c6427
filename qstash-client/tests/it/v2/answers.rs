//! Answers as section 2.15 of the contract describes them, with fields missing, extra, and of odd types.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use http::Method;
use qstash_client::v2::{All, Group, LogState, NewMessage, Receipt};
use qstash_client::{ErrorKind, QueueName, Timestamp, UrlGroupName};

use crate::fake::{Fake, Seen, answer, ok};

const MESSAGE: &str = r#"{"messageId":"msg_1","topicName":"orders","endpointName":"a b","url":"https://e.com",
    "method":"PUT","header":{"Content-Type":["text/plain"],"X-Tag":["a, b","c"]},"body":"hi","maxRetries":3,
    "notBefore":1795487288250,"createdAt":1795487288250,"callback":"https://e.com/cb",
    "callbackHeader":{"X":["1"]},"failureCallback":"https://e.com/f","queueName":"mails","scheduleId":"scd_1",
    "callerIP":"203.0.113.9","label":"a","labels":["a","b"],"flowControlKey":"k","parallelism":5,"rate":2,
    "period":60,"retryDelayExpression":"1000","api":"llm","brandNew":{"x":1}}"#;

#[tokio::test]
async fn a_message_is_read_whole_and_keeps_what_is_new() {
    let fake = Fake::new([ok(MESSAGE)]);
    let message = fake
        .client()
        .v2()
        .messages()
        .get("msg_1")
        .send()
        .await
        .expect("reads");
    assert_eq!(message.id.as_str(), "msg_1");
    assert_eq!(
        message.headers["X-Tag"],
        ["a, b", "c"],
        "never split at commas"
    );
    assert_eq!(message.body.as_deref(), Some(b"hi".as_slice()));
    assert_eq!(
        message.not_before,
        Some(Timestamp::from_millis(1_795_487_288_250))
    );
    assert_eq!(
        message.url_group.as_ref().map(UrlGroupName::as_str),
        Some("orders")
    );
    assert_eq!(message.queue.as_ref().map(QueueName::as_str), Some("mails"));
    assert_eq!(message.labels, ["a", "b"]);
    assert_eq!(message.period, Some(Duration::from_secs(60)));
    assert_eq!(message.method.as_ref().map(Method::as_str), Some("PUT"));
    assert_eq!(message.other.keys().collect::<Vec<_>>(), ["brandNew"]);
}

#[tokio::test]
async fn odd_types_do_not_fail_a_message() {
    let odd = r#"{"messageId":"msg_1","createdAt":"1795487288250","maxRetries":"3","header":{"A":"1"},
        "bodyBase64":"/w==","label":"only","queueName":"","callerIp":"::1","period":{"odd":1},"rate":null}"#;
    let fake = Fake::new([
        ok(odd),
        ok(r#"{"messageId":"m"}"#),
        ok(r#"{"url":"https://e.com"}"#),
    ]);
    let client = fake.client();
    let message = client
        .v2()
        .messages()
        .get("msg_1")
        .send()
        .await
        .expect("reads");
    assert_eq!(message.max_retries, Some(3));
    assert_eq!(
        message.created_at,
        Some(Timestamp::from_millis(1_795_487_288_250))
    );
    assert_eq!(message.headers["A"], ["1"]);
    assert_eq!(message.body.as_deref(), Some([0xff].as_slice()));
    assert_eq!(message.labels, ["only"]);
    assert_eq!(message.queue, None);
    assert_eq!(message.caller_ip.as_deref(), Some("::1"));
    assert_eq!(message.period, None);
    assert_eq!(
        message.other.keys().collect::<Vec<_>>(),
        ["period"],
        "what was odd is kept"
    );

    let bare = client
        .v2()
        .messages()
        .get("m")
        .send()
        .await
        .expect("an id is enough");
    assert_eq!((bare.url.as_str(), bare.body), ("", None));
    let error = client
        .v2()
        .messages()
        .get("m")
        .send()
        .await
        .expect_err("no id");
    assert_eq!(error.kind(), ErrorKind::Decode);
}

#[tokio::test]
async fn a_publish_answers_for_one_destination_or_for_each_endpoint() {
    let fake = Fake::new([
        ok(r#"{"messageId":"m1","deduplicated":true}"#),
        ok(r#"[{"messageId":"m1","url":"https://a.test"},{"error":"No."}]"#),
        ok(r#"[{"messageId":"m1"},[{"messageId":"m2"}],{"error":"No."}]"#),
        ok("[]"),
    ]);
    let client = fake.client();
    let published = client
        .v2()
        .publish("https://a.test")
        .send()
        .await
        .expect("one");
    assert!(published.deduplicated);
    let all = client.v2().publish(Group("g")).send().await.expect("many");
    assert_eq!(
        all[0].as_ref().expect("published").url.as_deref(),
        Some("https://a.test")
    );
    assert_eq!(all[1].as_ref().expect_err("failed").message, "No.");
    let three = || ["https://a.test", "https://b.test", "https://c.test"].map(NewMessage::to);
    let results = client.v2().batch(three()).send().await.expect("a batch");
    assert!(matches!(&results[0], Ok(Receipt::Message(m)) if m.message_id.as_str() == "m1"));
    assert!(matches!(&results[1], Ok(Receipt::Group(g)) if g.len() == 1));
    assert!(results[2].is_err());
    let error = client
        .v2()
        .batch(three())
        .send()
        .await
        .expect_err("a wrong number");
    assert_eq!(error.kind(), ErrorKind::Decode);
}

#[tokio::test]
async fn a_dead_letter_asked_for_by_id_may_lack_it() {
    let entry = r#"{"messageId":"m1","responseStatus":500,"responseHeader":{"A":["1"]},"responseBodyBase64":"/w==",
        "newField":1}"#;
    let silent = r#"{"messages":[{"dlqId":"2-0","messageId":"m2","responseStatus":0,"responseBody":""}],"cursor":""}"#;
    let fake = Fake::new([ok(entry), ok(silent)]);
    let client = fake.client();
    let letter = client.v2().dlq().get("1-0").send().await.expect("reads");
    assert_eq!(letter.dlq_id.as_str(), "1-0");
    assert_eq!(letter.response_status, Some(500));
    assert_eq!(letter.response_body.as_deref(), Some([0xff].as_slice()));
    assert_eq!(
        letter.message.other.keys().collect::<Vec<_>>(),
        ["newField"]
    );
    let page = client.v2().dlq().list().send().await.expect("a page");
    assert_eq!(
        page.items[0].response_status, None,
        "0 means that there was no answer"
    );
    assert_eq!(page.cursor, None);
}

#[tokio::test]
async fn a_log_is_read_under_both_names_and_in_both_spellings() {
    let entry = |state: &str| {
        format!(
            r#"{{"time":1795487288250,"messageId":"m","state":"{state}","url":"https://e.com","body":"aGk=",
            "nextDeliveryTime":1795487288251,"responseStatus":503,"responseHeaders":{{"A":["1"]}},
            "responseHeader":{{"A":["1"]}},"responseBody":"bm8=","timeout":1500,"retryDelayExpr":"1","retryDelayExpression":"1"}}"#
        )
    };
    let first = format!(
        r#"{{"events":[{}],"cursor":1686652644442}}"#,
        entry("CANCELED")
    );
    let second = format!(
        r#"{{"logs":[{},{}]}}"#,
        entry("CANCELLED"),
        entry("DREAMING")
    );
    let fake = Fake::new([ok(first), ok(second)]);
    let client = fake.client();
    let all: Vec<_> = client
        .v2()
        .logs()
        .stream()
        .try_collect()
        .await
        .expect("two pages");
    let states: Vec<_> = all.iter().map(|entry| entry.state.clone()).collect();
    let unknown = LogState::Other("DREAMING".to_owned());
    assert_eq!(states, [LogState::Cancelled, LogState::Cancelled, unknown]);
    assert_eq!(all[0].body.as_deref(), Some(b"hi".as_slice()));
    assert_eq!(all[0].response_body.as_deref(), Some(b"no".as_slice()));
    assert_eq!(all[0].timeout, Some(Duration::from_millis(1500)));
    assert_eq!(all[0].retry_delay.as_deref(), Some("1"));
    assert!(all[0].other.is_empty(), "{:?}", all[0].other);
    let lines: Vec<String> = fake.seen().iter().map(Seen::line).collect();
    assert_eq!(lines[1], "GET http://q.test/v2/events?cursor=1686652644442");
}

#[tokio::test]
async fn schedules_queues_groups_and_keys_are_read() {
    let schedule = r#"[{"scheduleId":"nightly","cron":"CRON_TZ=Europe/Berlin 0 4 * * *","destination":"orders",
        "createdAt":1,"method":"POST","retries":3,"isPaused":true,"delay":60,"timeout":5,"body":"x",
        "lastScheduleTime":2,"nextScheduleTime":3,"lastScheduleStates":{"m1":"SUCCESS"},"callerIp":"::1"}]"#;
    let queue = r#"{"name":"mails","createdAt":1,"updatedAt":2,"parallelism":1,"paused":false,"lag":7,"more":[]}"#;
    let group = r#"{"name":"orders","createdAt":1,"updatedAt":2,"endpoints":[{"url":"https://a.test","name":"a b"},
        {"url":"https://b.test"},{"broken":1}]}"#;
    let key = r#"{"flowControlKey":"k","waitlistSize":3,"parallelismMax":5,"parallelismCount":1,"rateMax":10,
        "rateCount":2,"ratePeriod":60,"ratePeriodStart":1795487288,"isPaused":false,"isPinnedParallelism":true,
        "isPinnedRate":false}"#;
    let fake = Fake::new([
        ok(schedule),
        ok(queue),
        ok(group),
        ok(key),
        ok(r#"{"parallelismMax":100,"parallelismCount":"4"}"#),
        ok(r#"{"current":"sig_1","next":"sig_2"}"#),
        ok("null"),
    ]);
    let client = fake.client();
    let v2 = client.v2();
    let schedule = v2
        .schedules()
        .list()
        .send()
        .await
        .expect("reads")
        .items
        .remove(0);
    assert!(schedule.paused);
    assert_eq!(schedule.delay, Some(Duration::from_secs(60)));
    assert_eq!(schedule.last_states["m1"], "SUCCESS");
    assert_eq!(schedule.caller_ip.as_deref(), Some("::1"));
    let queue = v2.queues().get("mails").send().await.expect("reads");
    assert_eq!(
        (queue.lag, queue.parallelism, queue.paused),
        (Some(7), Some(1), false)
    );
    assert!(queue.other.contains_key("more"));
    let group = v2.url_groups().get("orders").send().await.expect("reads");
    assert_eq!(group.endpoints.len(), 2);
    assert_eq!(group.endpoints[0].name.as_deref(), Some("a b"));
    assert!(
        group.other.contains_key("endpoints"),
        "the broken one is not lost"
    );
    let key = v2.flow_control().get("k").send().await.expect("reads");
    assert_eq!(key.wait_list_size, Some(3), "the older spelling");
    assert_eq!(
        key.rate_period_start,
        Some(Timestamp::from_millis(1_795_487_288_000))
    );
    assert!(key.pinned_parallelism && !key.pinned_rate);
    let global = v2
        .flow_control()
        .global_parallelism()
        .send()
        .await
        .expect("reads");
    assert_eq!((global.max, global.count), (Some(100), Some(4)));
    let keys = v2.keys().get().send().await.expect("reads");
    assert_eq!(keys.next.expose(), "sig_2");
    assert!(!format!("{keys:?}").contains("sig_"));
    let none = v2
        .queues()
        .list()
        .send()
        .await
        .expect("null is an empty list");
    assert!(none.items.is_empty());
}

#[tokio::test]
async fn a_cancellation_is_counted_and_the_older_text_answer_is_understood() {
    let fake = Fake::new([
        ok(r#"{"cancelled":1}"#),
        ok("OK"),
        ok(""),
        ok(r#"{"cancelled":-1}"#),
    ]);
    let client = fake.client();
    let cancel = || client.v2().messages().cancel("m").send();
    assert_eq!(cancel().await.expect("counted"), 1);
    assert_eq!(cancel().await.expect("text"), 1);
    assert_eq!(cancel().await.expect("empty"), 1);
    cancel().await.expect_err("no count");
}

#[tokio::test]
async fn every_answer_keeps_what_is_new() {
    let fake = Fake::new([
        ok(r#"{"deleted":"3","cursor":"c","new":1}"#),
        ok(r#"{"responses":[{"messageId":"m1","new":1},{"odd":2},"?"],"cursor":5,"new":[1]}"#),
        ok(r#"{"current":"sig_1","next":"sig_2","previous":"sig_0"}"#),
        ok(r#"{"events":[],"logs":[],"cursor":"","total":7}"#),
        ok(r#"{"cancelled":"2"}"#),
    ]);
    let client = fake.client();
    let v2 = client.v2();
    let deleted = v2.dlq().delete_all(All).send().await.expect("reads");
    assert_eq!((deleted.deleted, deleted.cursor.as_deref()), (3, Some("c")));
    assert_eq!(deleted.other["new"], 1);
    let retried = v2.dlq().retry_all(All).send().await.expect("reads");
    assert_eq!(retried.other["new"], serde_json::json!([1]));
    assert_eq!(retried.cursor.as_deref(), Some("5"));
    let published = retried.responses[0].as_ref().expect("published");
    assert_eq!(published.other["new"], 1);
    for strange in &retried.responses[1..] {
        strange.as_ref().expect_err("not understood");
    }
    let keys = v2.keys().get().send().await.expect("reads");
    assert_eq!(keys.other["previous"], "sig_0");
    assert!(!format!("{keys:?}").contains("sig_"));
    let page = v2.logs().send().await.expect("reads");
    assert_eq!(page.other.keys().collect::<Vec<_>>(), ["total"]);
    assert_eq!(page.cursor, None);
    let cancelled = v2.messages().cancel_all(All).send().await.expect("reads");
    assert_eq!(cancelled, 2);
}

#[tokio::test]
async fn a_bulk_cancellation_that_answers_no_number_is_not_taken_for_one() {
    let fake = Fake::new([ok("<h1>Welcome</h1>")]);
    let all = fake.client().v2().messages().cancel_all(All).send().await;
    assert_eq!(all.expect_err("no number").kind(), ErrorKind::Decode);
}

#[tokio::test]
async fn a_key_that_this_client_would_not_send_does_not_fail_a_list() {
    let keys = r#"[{"flowControlKey":"tenant 7","isPaused":"true"},{"flowControlKey":"müller"}]"#;
    let fake = Fake::new([ok(keys), ok("")]);
    let client = fake.client();
    let page = client.v2().flow_control().list().send().await;
    let page = page.expect("two keys");
    assert!(page.items[0].paused);
    let key = &page.items[1].key;
    let paused = client.v2().flow_control().pause(key).send().await;
    paused.expect("by its encoded name");
    let line = fake.seen()[1].line();
    assert_eq!(line, "POST http://q.test/v2/flowControl/m%C3%BCller/pause");
}

#[tokio::test]
async fn a_publish_and_an_enqueue_may_be_answered_with_200_201_or_202() {
    let one = r#"{"messageId":"msg_1"}"#;
    for status in [200, 201, 202] {
        let answers = [
            answer(status, one),
            answer(status, one),
            answer(status, format!("[{one}]")),
        ];
        let fake = Fake::new(answers);
        let client = fake.client();
        let publish = client.v2().publish("https://e.com").send().await;
        assert_eq!(publish.expect("published").message_id.as_str(), "msg_1");
        let enqueue = client.v2().enqueue("q", "https://e.com").send().await;
        assert_eq!(enqueue.expect("enqueued").message_id.as_str(), "msg_1");
        let group = client.v2().publish(Group("orders")).send().await;
        assert_eq!(group.expect("published").len(), 1);
    }
}
