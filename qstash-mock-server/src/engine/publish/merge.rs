//! Merging the settings of a publisher and the defaults of a URL group into the settings of a message.

use std::sync::Arc;

use crate::engine::model::carried_rules::{
    Callback, Deduplication, FlowControl, Redaction, Settings,
};
use crate::engine::model::headers::Headers;
use crate::engine::model::partial_settings::{
    GivenHeader, GivenValue, PartialCallback, PartialOptions, PartialSettings, SettingsFault,
    SettingsOf,
};

/// The name under which settings keep the content type.
const CONTENT_TYPE: &str = "Content-Type";

impl PartialSettings {
    /// These settings, completed with `defaults` field by field.
    #[must_use]
    pub fn or(self, defaults: &Self) -> Self {
        Self {
            message: self.message.or(&defaults.message),
            content_type: self.content_type.or_else(|| defaults.content_type.clone()),
            forward_incoming: self.forward_incoming.or(defaults.forward_incoming),
            incoming: self.incoming,
            not_before: self.not_before.or(defaults.not_before),
            deduplication_id: self
                .deduplication_id
                .or_else(|| defaults.deduplication_id.clone()),
            deduplicate_by_content: self
                .deduplicate_by_content
                .or(defaults.deduplicate_by_content),
            callback: self.callback.or(&defaults.callback),
            failure_callback: self.failure_callback.or(&defaults.failure_callback),
            labels: if self.labels.is_empty() {
                defaults.labels.clone()
            } else {
                self.labels
            },
            redaction: if self.redaction == Redaction::default() {
                defaults.redaction.clone()
            } else {
                self.redaction
            },
            caller_ip: self.caller_ip.or_else(|| defaults.caller_ip.clone()),
        }
    }

    /// The complete settings of a message.
    ///
    /// # Errors
    /// A key has no limits, limits have no key, or a header cannot be delivered.
    pub fn complete(self) -> Result<Settings, SettingsFault> {
        for (of, options) in [
            (SettingsOf::Message, &self.message),
            (SettingsOf::Callback, &self.callback.options),
            (SettingsOf::FailureCallback, &self.failure_callback.options),
        ] {
            options.check_flow_control(of)?;
        }
        let callback = self.callback.complete(SettingsOf::Callback)?;
        let failure_callback = self
            .failure_callback
            .complete(SettingsOf::FailureCallback)?;
        let message = self.message;
        let incoming = match self.forward_incoming {
            Some(true) => self.incoming,
            Some(false) | None => vec![],
        };
        let by_content = self.deduplicate_by_content.unwrap_or_default();
        let by_content = by_content.then_some(Deduplication::Content);
        let labels: Arc<[Arc<str>]> = self.labels.into();
        let hides = self.redaction != Redaction::default();
        Ok(Settings {
            method: message.method,
            flow_control: message.flow_control(),
            headers: Some(headers(message.forward, self.content_type, incoming)?),
            max_retries: message.max_retries,
            retry_delay: message.retry_delay,
            delay: message.delay,
            not_before: self.not_before,
            timeout: message.timeout,
            deduplication: self.deduplication_id.map(Deduplication::Id).or(by_content),
            callback,
            failure_callback,
            labels: Some(labels).filter(|labels| !labels.is_empty()),
            redaction: hides.then(|| Arc::new(self.redaction)),
            caller_ip: self.caller_ip,
        })
    }

    /// The complete settings of the messages that a schedule publishes.
    ///
    /// # Errors
    /// Those of [`PartialSettings::complete`], and settings that a schedule cannot have.
    pub fn complete_for_schedule(self) -> Result<Settings, SettingsFault> {
        if self.forward_incoming.is_some() {
            return Err(SettingsFault::ScheduleForwardsIncoming);
        }
        if self.not_before.is_some() {
            return Err(SettingsFault::ScheduleNotBefore);
        }
        self.complete()
    }
}

impl PartialCallback {
    fn or(self, defaults: &Self) -> Self {
        Self {
            url: self.url.or_else(|| defaults.url.clone()),
            content_type: self.content_type.or_else(|| defaults.content_type.clone()),
            options: self.options.or(&defaults.options),
        }
    }

    fn complete(self, of: SettingsOf) -> Result<Option<Arc<Callback>>, SettingsFault> {
        let options = self.options;
        let Some(url) = self.url else {
            return Ok(None);
        };
        let flow_control = options.flow_control();
        let content_type = self.content_type.map(|value| GivenHeader {
            name: CONTENT_TYPE.to_owned(),
            value,
        });
        let headers = content_type.into_iter().chain(options.forward);
        let headers: Result<_, _> = headers.map(|it| it.into_text(of)).collect();
        Ok(Some(Arc::new(Callback {
            url,
            method: options.method.unwrap_or_default(),
            max_retries: options.max_retries,
            retry_delay: options.retry_delay,
            delay: options.delay.unwrap_or_default(),
            timeout: options.timeout,
            flow_control,
            headers: headers?,
        })))
    }
}

impl PartialOptions {
    fn or(self, defaults: &Self) -> Self {
        let mut forward = self.forward;
        let own = forward.len();
        for header in &defaults.forward {
            if !forward[..own].iter().any(|it| it.is_named(&header.name)) {
                forward.push(header.clone());
            }
        }
        Self {
            method: self.method.or(defaults.method),
            timeout: self.timeout.or(defaults.timeout),
            max_retries: self.max_retries.or(defaults.max_retries),
            retry_delay: self.retry_delay.or_else(|| defaults.retry_delay.clone()),
            delay: self.delay.or(defaults.delay),
            flow_key: self.flow_key.or_else(|| defaults.flow_key.clone()),
            flow_limits: self.flow_limits.or(defaults.flow_limits),
            forward,
        }
    }

    const fn check_flow_control(&self, of: SettingsOf) -> Result<(), SettingsFault> {
        match (&self.flow_key, self.flow_limits) {
            (Some(_), None) => Err(SettingsFault::FlowLimitsMissing(of)),
            (None, Some(_)) => Err(SettingsFault::FlowKeyMissing(of)),
            (Some(_), Some(_)) | (None, None) => Ok(()),
        }
    }

    fn flow_control(&self) -> Option<Arc<FlowControl>> {
        let (key, limits) = self.flow_key.as_ref().zip(self.flow_limits)?;
        Some(Arc::new(FlowControl {
            key: Arc::clone(key),
            parallelism: limits.parallelism,
            rate: limits.rate,
            period: limits.period,
        }))
    }
}

impl GivenHeader {
    fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    fn into_text(self, of: SettingsOf) -> Result<(String, String), SettingsFault> {
        match self.value {
            GivenValue::Text(text) => Ok((self.name, text)),
            GivenValue::NoText => Err(SettingsFault::HeaderIsNoText {
                of,
                name: self.name,
            }),
        }
    }
}

/// The headers of a message: its content type, then the headers to forward, then the incoming headers with other
/// names.
fn headers(
    forward: Vec<GivenHeader>,
    content_type: Option<GivenValue>,
    incoming: Vec<GivenHeader>,
) -> Result<Headers, SettingsFault> {
    let content_type = match content_type {
        Some(GivenValue::Text(text)) => Some((CONTENT_TYPE.to_owned(), text)),
        Some(GivenValue::NoText) => return Err(SettingsFault::ContentTypeIsNoText),
        None => None,
    };
    let (mut headers, mut sent) = (Vec::from_iter(content_type), forward);
    let explicit = sent.len();
    for header in incoming {
        let hidden = |it: &GivenHeader| it.is_named(&header.name);
        if !sent[..explicit].iter().any(hidden) {
            sent.push(header);
        }
    }
    for header in sent {
        headers.push(header.into_text(SettingsOf::Message)?);
    }
    Ok(headers.into())
}
