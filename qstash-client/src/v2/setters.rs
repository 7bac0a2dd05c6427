//! The setters that several builders share, written once. Each builder lends its [`Options`] by the path given to
//! the macro.
//!
//! [`Options`]: crate::v2::options::Options

/// Settings of a delivery: publish, enqueue, batch, schedule, URL group, retry from the DLQ.
macro_rules! delivery_setters {
    ($($options:ident).+) => {
        /// The method of the delivery: GET, POST (the default), PUT, PATCH or DELETE.
        pub fn method(mut self, method: ::http::Method) -> Self {
            self.$($options).+.settings().method(&method);
            self
        }

        /// A header for the consumer. Values of a repeated name are all sent.
        pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
            self.$($options).+.settings().forward(name.as_ref(), value.as_ref());
            self
        }

        /// Failed deliveries after the first. 3 by default; the plan has a cap.
        pub fn retries(mut self, retries: u32) -> Self {
            self.$($options).+.settings().retries(retries);
            self
        }

        /// The wait between deliveries in place of the growing default. At most a day.
        pub fn retry_delay(mut self, delay: impl Into<$crate::v2::retry_delay::RetryDelay>) -> Self {
            self.$($options).+.settings().retry_delay(&delay.into());
            self
        }

        /// How long the consumer may take, at least 1 s, whole seconds. Can only shorten the plan's maximum.
        pub fn timeout(mut self, timeout: ::std::time::Duration) -> Self {
            self.$($options).+.settings().timeout(timeout);
            self
        }

        /// Is told of each attempt, whether it worked or not.
        pub fn callback(mut self, callback: impl Into<$crate::v2::callback::Callback>) -> Self {
            self.$($options).+.callback(callback.into());
            self
        }

        /// Is told once, when the message has run out of retries.
        pub fn failure_callback(mut self, callback: impl Into<$crate::v2::callback::Callback>) -> Self {
            self.$($options).+.failure_callback(callback.into());
            self
        }

        /// Limits deliveries that share a key.
        pub fn flow_control(mut self, limits: $crate::v2::limits::FlowControl) -> Self {
            self.$($options).+.settings().flow_control(limits);
            self
        }

        /// Adds a label, by which lists, logs and bulk operations select.
        pub fn label(mut self, label: impl AsRef<str>) -> Self {
            self.$($options).+.label(label.as_ref());
            self
        }

        /// Adds to what the service hides in everything it shows of the message.
        pub fn redact(mut self, what: $crate::v2::options::Redact) -> Self {
            self.$($options).+.redact(&what);
            self
        }

        /// A header of the request itself, as it is: for what this version has no method for. Refused are names that
        /// HTTP, the client or another method sets.
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
        /// The body: any value that serializes to JSON. Sets the content type `application/json` unless one is
        /// set.
        pub fn json<T: ::serde::Serialize + ?Sized>(mut self, value: &T) -> Self {
            self.$($options).+.json(value);
            self
        }

        /// The body as bytes, delivered unchanged.
        pub fn body(mut self, body: impl Into<::bytes::Bytes>) -> Self {
            self.$($options).+.body(body.into());
            self
        }

        /// The content type that the consumer sees. Without one and without [`json`](Self::json) there is none.
        pub fn content_type(mut self, media_type: impl AsRef<str>) -> Self {
            self.$($options).+.content_type(media_type.as_ref());
            self
        }

        /// How long the message is held back. Whole seconds; the plan has a maximum. The documents list no delay for
        /// messages of a queue.
        pub fn delay(mut self, delay: ::std::time::Duration) -> Self {
            self.$($options).+.settings().delay(delay);
            self
        }
    };
}
pub(crate) use content_setters;

/// What only a single publish has: publish, enqueue, batch.
macro_rules! publish_setters {
    ($($options:ident).+) => {
        /// Not delivered before this time; wins over [`delay`](Self::delay). Sent as whole seconds, rounded up.
        pub fn not_before(mut self, time: impl Into<$crate::timing::Timestamp>) -> Self {
            self.$($options).+.not_before(time.into());
            self
        }

        /// Names this publish: another one with the same id within 10 minutes stores nothing. Without this call
        /// the id is a random UUID, so that a publish that is retried never doubles.
        pub fn deduplication_id(mut self, id: impl AsRef<str>) -> Self {
            self.$($options).+.deduplication_id(id.as_ref());
            self
        }

        /// Another publish of the same destination, body, content type and forwarded headers within 10 minutes
        /// stores nothing. In place of a deduplication id.
        pub fn content_based_deduplication(mut self) -> Self {
            self.$($options).+.content_based_deduplication();
            self
        }

        /// Sends no deduplication id. The publish is then repeated only when it certainly did not arrive.
        pub fn without_deduplication(mut self) -> Self {
            self.$($options).+.no_deduplication();
            self
        }

        /// Forwards all headers of the request to the consumer, also those without a prefix (see
        /// [`raw_header`](Self::raw_header)), but for those of the exchange itself.
        pub fn forward_all_headers(mut self) -> Self {
            self.$($options).+.forward_all();
            self
        }
    };
}
pub(crate) use publish_setters;
