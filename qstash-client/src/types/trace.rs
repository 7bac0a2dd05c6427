//! W3C trace context, so that a consumer's trace joins its producer's.

use http::HeaderValue;

use crate::error::Error;

/// A `traceparent`, and perhaps a `tracestate`, that a message carries to its consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    pub(crate) parent: HeaderValue,
    pub(crate) state: Option<HeaderValue>,
}

impl TraceContext {
    /// Checks a `traceparent`: `00-<32 hex digits>-<16 hex digits>-<2 hex digits>`, where neither id is all zeros (W3C
    /// Trace Context, section 3.2).
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for any other text.
    pub fn parse(traceparent: &str) -> Result<Self, Error> {
        let hex = |part: &str, length: usize| {
            part.len() == length && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let id = |part: &str, length| hex(part, length) && part.bytes().any(|b| b != b'0');
        let parts: Vec<&str> = traceparent.split('-').collect();
        match parts[..] {
            ["00", trace, span, flags] if id(trace, 32) && id(span, 16) && hex(flags, 2) => {}
            _ => {
                let rule = "must be 00-<32 hex>-<16 hex>-<2 hex>";
                return Err(Error::invalid_input("traceparent", traceparent, rule));
            }
        }
        let parent = HeaderValue::from_str(traceparent)
            .map_err(|e| Error::invalid("traceparent cannot be sent by HTTP").with_source(e))?;
        Ok(Self {
            parent,
            state: None,
        })
    }

    /// Adds a `tracestate`.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) when the text is not one line of visible ASCII.
    pub fn with_state(mut self, tracestate: &str) -> Result<Self, Error> {
        self.state = match HeaderValue::from_str(tracestate) {
            Ok(state) if tracestate.is_ascii() => Some(state),
            _ => {
                return Err(Error::invalid(
                    "tracestate must be one line of visible ASCII",
                ));
            }
        };
        Ok(self)
    }

    /// Returns the context as headers.
    pub(crate) fn into_lines(self) -> impl Iterator<Item = (String, String)> {
        let state = self.state.map(|state| ("tracestate", state));
        let lines = [("traceparent", self.parent)].into_iter().chain(state);
        // Both were checked to be visible ASCII.
        lines.map(|(name, value)| {
            (
                name.to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_traceparent_is_taken() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert!(TraceContext::parse(good).is_ok());
        for bad in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert!(TraceContext::parse(bad).is_err(), "{bad:?}");
        }
        let context = TraceContext::parse(good).expect("valid");
        assert!(context.clone().with_state("v=1,w=2").is_ok());
        assert!(context.clone().with_state("v=\u{e4}").is_err());
        assert!(context.with_state("v=1\r\nx: y").is_err());
    }
}
