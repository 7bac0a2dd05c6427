//! What the server holds while its lock is watched.

use std::net::SocketAddr;
use std::time::Duration;

use crate::Plan;
use crate::subject::Subject;
use crate::wire::{BATCH, Connection, SMALL, bare, message, post};

/// Endpoints of each URL group.
const ENDPOINTS: usize = 1_000;
/// A URL whose port has no listener, so that deliveries to it fail at once.
const NOWHERE: &str = "http://127.0.0.1:9/hook";

/// A connection to a server that holds many entries of every kind.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) connection: Connection,
    pub(super) address: SocketAddr,
    pub(super) bearer: String,
    /// How many messages one bulk operation reaches.
    pub(super) bulk: usize,
    /// How many requests in a row retry dead letters.
    pub(super) retries: usize,
    /// The queue from which the next redrive goes, and the one to which it goes.
    pub(super) redrive: [&'static str; 2],
    /// How long clients walk through the pages of a list.
    pub(super) time: Duration,
}

impl Field {
    pub(super) async fn prepare(subject: &Subject, plan: &Plan) -> Self {
        let connection = Connection::open(subject.address).await;
        let mut field = Self {
            connection: connection.expect("a connection"),
            address: subject.address,
            bearer: subject.bearer.clone(),
            bulk: plan.held / 10,
            retries: plan.held / 1_000,
            redrive: ["here", "there"],
            time: plan.time / 20,
        };
        field.publish_to_queue("load", plan.held).await;
        let (from, bulk) = (field.redrive[0], field.bulk);
        field.publish_to_queue(from, bulk).await;
        field.make_queues(plan.held / 101).await;
        field.make_schedules(plan.held / 500).await;
        field.make_url_groups(plan.held / 10_000).await;
        field.publish_with_flow_keys(plan.held / 100).await;
        field.make_dead_letters(bulk).await;
        field
    }

    /// Sends a request that must succeed, and returns the body of its answer.
    pub(super) async fn post(&mut self, path: &str, body: &str) -> &[u8] {
        let request = post(path, &self.bearer, body);
        self.connection.succeed(&request).await
    }

    /// Publishes messages to a queue, due at different times.
    pub(super) async fn publish_to_queue(&mut self, queue: &str, count: usize) {
        let text = message(SMALL);
        let item = |index: usize| {
            let delay = 3_600 + index * 7_919 % 80_000;
            format!(r#"{{"queue":"{queue}","delay_seconds":{delay},"message":{text}}}"#)
        };
        self.in_batches("/v1/publish/batch", [r#"{"messages":["#, "]}"], count, item)
            .await;
    }

    /// Publishes delayed messages with this label to a URL.
    pub(super) async fn publish_to_url(&mut self, label: &str, count: usize) {
        let headers = format!(r#""Upstash-Delay":"1d","Upstash-Label":"{label}""#);
        self.publish_nowhere("", count, |_| headers.clone()).await;
    }

    /// Publishes messages that fail as soon as their queue lets them start.
    pub(super) async fn publish_through_queue(&mut self, queue: &str, count: usize) {
        let headers = |_| r#""Upstash-Retries":"0""#.to_owned();
        self.publish_nowhere(queue, count, headers).await;
    }

    async fn publish_with_flow_keys(&mut self, count: usize) {
        let headers = |index| {
            format!(
                r#""Upstash-Delay":"1d","Upstash-Flow-Control-Key":"key-{index}","Upstash-Flow-Control-Value":"parallelism=1""#
            )
        };
        self.publish_nowhere("", count, headers).await;
    }

    /// Publishes messages that fail at once.
    async fn make_dead_letters(&mut self, count: usize) {
        let headers = |_| r#""Upstash-Retries":"0","Upstash-Label":"dead""#.to_owned();
        for _ in 0..count.div_ceil(BATCH) {
            self.publish_nowhere("", count.min(BATCH), headers).await;
            self.quiet().await;
        }
    }

    /// Publishes messages to [`NOWHERE`], through a queue unless its name is empty.
    async fn publish_nowhere(
        &mut self,
        queue: &str,
        count: usize,
        headers: impl Fn(usize) -> String,
    ) {
        let item = |index| {
            let to = format!(r#""destination":"{NOWHERE}","queue":"{queue}""#);
            format!(r#"{{{to},"headers":{{{}}},"body":"{{}}"}}"#, headers(index))
        };
        self.in_batches("/v2/batch", ["[", "]"], count, item).await;
    }

    async fn make_queues(&mut self, count: usize) {
        for index in 0..count {
            let body = format!(r#"{{"name":"queue-{index}"}}"#);
            self.post("/v1/queues", &body).await;
        }
    }

    async fn make_schedules(&mut self, count: usize) {
        let headers = format!("{}Upstash-Cron: 0 0 1 1 *\r\n", self.bearer);
        let request = post(&format!("/v2/schedules/{NOWHERE}"), &headers, "{}");
        for _ in 0..count {
            self.connection.succeed(&request).await;
        }
    }

    async fn make_url_groups(&mut self, count: usize) {
        let endpoint = |index| format!(r#"{{"url":"https://example.com/endpoints/{index}"}}"#);
        let endpoints: Vec<String> = (0..ENDPOINTS).map(endpoint).collect();
        let body = format!(r#"{{"endpoints":[{}]}}"#, endpoints.join(","));
        for index in 0..count {
            let path = format!("/v2/topics/group-{index}/endpoints");
            self.post(&path, &body).await;
        }
    }

    async fn in_batches(
        &mut self,
        path: &str,
        [before, after]: [&str; 2],
        count: usize,
        item: impl Fn(usize) -> String,
    ) {
        for first in (0..count).step_by(BATCH) {
            let some = first..count.min(first + BATCH);
            let items: Vec<String> = some.map(&item).collect();
            let body = format!("{before}{}{after}", items.join(","));
            self.post(path, &body).await;
        }
    }

    /// Returns once no delivery is under way.
    pub(super) async fn quiet(&mut self) {
        self.shows("/v2/globalParallelism", r#""parallelismCount":0}"#)
            .await;
    }

    /// Returns once a queue has no message that is not finished.
    pub(super) async fn empty(&mut self, queue: &str) {
        self.shows(&format!("/v2/queues/{queue}"), r#""lag":0"#)
            .await;
    }

    /// Returns once an answer has this text.
    async fn shows(&mut self, path: &str, text: &str) {
        let request = bare("GET", path, &self.bearer);
        while !String::from_utf8_lossy(self.connection.succeed(&request).await).contains(text) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
