//! The setters that several builders share, written once. Each builder lends its [`Options`] by the path given to the
//! macro.
//!
//! [`Options`]: crate::v2::options::Options

/// Settings of a delivery: publish, enqueue, batch, schedule, URL group, retry of a dead letter.
macro_rules! delivery_setters {
    ($($options:ident).+) => {
        /// Sets the HTTP method of the delivery: GET, POST (the default), PUT, PATCH or DELETE.
        pub fn method(mut self, method: ::http::Method) -> Self {
            self.$($options).+.settings().method(&method);
            self
        }

        /// Adds a header for the consumer. If you give a name several values, all are sent.
        pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
            self.$($options).+.settings().forward(name.as_ref(), value.as_ref());
            self
        }

        /// Sets how often the service retries after the first attempt failed. 3 by default; the plan has a maximum.
        pub fn retries(mut self, retries: u32) -> Self {
            self.$($options).+.settings().retries(retries);
            self
        }

        /// Sets the wait between attempts. Without this call the service chooses waits that grow from attempt to
        /// attempt. It waits a day at most.
        pub fn retry_delay(mut self, delay: impl Into<$crate::v2::retry_delay::RetryDelay>) -> Self {
            self.$($options).+.settings().retry_delay(&delay.into());
            self
        }

        /// Limits how long the consumer may take, in whole seconds and at least 1 s. It can only be shorter than the
        /// plan's maximum.
        pub fn timeout(mut self, timeout: ::std::time::Duration) -> Self {
            self.$($options).+.settings().timeout(timeout);
            self
        }

        /// Sets a callback that the service calls after each attempt, whether it succeeded or failed.
        pub fn callback(mut self, callback: impl Into<$crate::v2::callback::Callback>) -> Self {
            self.$($options).+.callback(callback.into());
            self
        }

        /// Sets a callback that the service calls once, when the message has run out of retries.
        pub fn failure_callback(mut self, callback: impl Into<$crate::v2::callback::Callback>) -> Self {
            self.$($options).+.failure_callback(callback.into());
            self
        }

        /// Limits the deliveries that share a flow-control key.
        pub fn flow_control(mut self, limits: $crate::v2::limits::FlowControl) -> Self {
            self.$($options).+.settings().flow_control(limits);
            self
        }

        /// Adds a label. Lists, the log and bulk operations can select messages by it.
        pub fn label(mut self, label: impl AsRef<str>) -> Self {
            self.$($options).+.label(label.as_ref());
            self
        }

        /// Hides a part of the message in everything that the service shows of it.
        pub fn redact(mut self, what: $crate::v2::options::Redact) -> Self {
            self.$($options).+.redact(&what);
            self
        }

        /// Adds a header to the request itself, for settings that this version has no method for. The client refuses
        /// names that HTTP, the client or another method sets.
        pub fn raw_header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
            self.$($options).+.raw_header(name.as_ref(), value.as_ref());
            self
        }
    };
}
pub(crate) use delivery_setters;

/// The content of a message: publish, enqueue, batch, schedule.
macro_rules! content_setters {
    ($($options:ident).+) => {
        /// Sets the body to any value that serializes to JSON. Sets the content type `application/json` unless you set
        /// another.
        pub fn json<T: ::serde::Serialize + ?Sized>(mut self, value: &T) -> Self {
            self.$($options).+.json(value);
            self
        }

        /// Sets the body to these bytes. The consumer gets the same bytes.
        pub fn body(mut self, body: impl Into<::bytes::Bytes>) -> Self {
            self.$($options).+.body(body.into());
            self
        }

        /// Sets the content type that the consumer sees. Without this call and without [`json`](Self::json) there is
        /// none.
        pub fn content_type(mut self, media_type: impl AsRef<str>) -> Self {
            self.$($options).+.content_type(media_type.as_ref());
            self
        }

        /// Delays the message by whole seconds; the plan has a maximum. The service documents no delay for messages in
        /// a queue.
        pub fn delay(mut self, delay: ::std::time::Duration) -> Self {
            self.$($options).+.settings().delay(delay);
            self
        }
    };
}
pub(crate) use content_setters;

/// What only a publish has: publish, enqueue, batch.
macro_rules! publish_setters {
    ($($options:ident).+) => {
        /// Delivers the message no earlier than this time, whatever [`delay`](Self::delay) says. The time is sent as
        /// whole seconds, rounded up.
        pub fn not_before(mut self, time: impl Into<$crate::timing::Timestamp>) -> Self {
            self.$($options).+.not_before(time.into());
            self
        }

        /// Sets the deduplication id. If a publish in the last 10 minutes had the same id, the service stores nothing.
        /// Without this call the id is a random UUID, so that a retry by the client never stores the message twice.
        pub fn deduplication_id(mut self, id: impl AsRef<str>) -> Self {
            self.$($options).+.deduplication_id(id.as_ref());
            self
        }

        /// Deduplicates by content instead of by id: the service stores nothing if, in the last 10 minutes, a publish
        /// had the same destination, body, content type and forwarded headers.
        pub fn content_based_deduplication(mut self) -> Self {
            self.$($options).+.content_based_deduplication();
            self
        }

        /// Sends no deduplication id. The client then tries again only if the publish certainly did nothing.
        pub fn without_deduplication(mut self) -> Self {
            self.$($options).+.no_deduplication();
            self
        }

        /// Forwards all headers of the request to the consumer, also those that [`raw_header`](Self::raw_header) adds
        /// without a prefix, but not those that belong to the request's own exchange.
        pub fn forward_all_headers(mut self) -> Self {
            self.$($options).+.forward_all();
            self
        }
    };
}
pub(crate) use publish_setters;
