//! Points in time and durations as the two dialects write them.

use std::time::{Duration, SystemTime};

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
///
/// It converts from and into [`SystemTime`], and so does the type of the same name in `qstash-verify`. A time of one
/// crate thus becomes a time of the other, and neither crate needs the other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Makes a timestamp from milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Makes a timestamp from seconds since 1970-01-01T00:00:00Z. A time that does not fit becomes the furthest one.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Returns the whole seconds since 1970-01-01T00:00:00Z, rounded down.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Returns the milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Returns how much later this is than `earlier`, or zero if it is not later.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        let millis = self.0.saturating_sub(earlier.0);
        Duration::from_millis(if millis > 0 { millis.unsigned_abs() } else { 0 })
    }
}

/// A time that the system cannot tell becomes 1970.
impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        let distance = Duration::from_millis(time.0.unsigned_abs());
        let told = if time.0 >= 0 {
            Self::UNIX_EPOCH.checked_add(distance)
        } else {
            Self::UNIX_EPOCH.checked_sub(distance)
        };
        told.unwrap_or(Self::UNIX_EPOCH)
    }
}

/// Less than a millisecond is cut off.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let clamp = |d: Duration| i64::try_from(d.as_millis()).unwrap_or(i64::MAX);
        match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => Self(clamp(after)),
            Err(before) => Self(-clamp(before.duration())),
        }
    }
}

/// Writes the time as RFC 3339 in UTC.
impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) => write!(f, "{time:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl std::fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// Reads RFC 3339 text (v1) or a number of milliseconds (v2).
impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Timestamp;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an RFC 3339 time or milliseconds since the epoch")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Timestamp, E> {
                if let Ok(millis) = text.parse() {
                    return Ok(Timestamp(millis));
                }
                let time: jiff::Timestamp = text.parse().map_err(E::custom)?;
                Ok(Timestamp(time.as_millisecond()))
            }
            fn visit_i64<E: serde::de::Error>(self, millis: i64) -> Result<Timestamp, E> {
                Ok(Timestamp(millis))
            }
            fn visit_u64<E: serde::de::Error>(self, millis: u64) -> Result<Timestamp, E> {
                i64::try_from(millis).map(Timestamp).map_err(E::custom)
            }
            fn visit_f64<E: serde::de::Error>(self, millis: f64) -> Result<Timestamp, E> {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "saturates, which is wanted"
                )]
                Ok(Timestamp(millis as i64))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// Writes durations as JSON numbers of seconds, whole seconds without a fraction.
pub(crate) mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        if value.subsec_nanos() == 0 {
            to.serialize_u64(value.as_secs())
        } else {
            to.serialize_f64(value.as_secs_f64())
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let number = f64::deserialize(from)?;
        Duration::try_from_secs_f64(number).map_err(serde::de::Error::custom)
    }

    /// Reads a duration that may be null.
    pub(crate) fn optional<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Duration>, D::Error> {
        Option::<crate::timing::Seconds>::deserialize(from).map(|seconds| seconds.map(|s| s.0))
    }
}

/// A duration that is written as [`seconds`] says, for options and lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct Seconds(#[serde(with = "seconds")] pub(crate) Duration);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_from_text_and_from_milliseconds() {
        let text: Timestamp = serde_json::from_str("\"2026-11-24T02:28:08.250Z\"").expect("text");
        let number: Timestamp = serde_json::from_str("1795487288250").expect("number");
        let quoted: Timestamp = serde_json::from_str("\"1795487288250\"").expect("quoted number");
        assert_eq!(text, number);
        assert_eq!(quoted, number);
        assert_eq!(text.to_string(), "2026-11-24T02:28:08.250Z");
        assert_eq!(Timestamp::from(SystemTime::from(text)), text);
    }

    #[test]
    fn a_time_survives_the_system_and_its_extremes_do_not_panic() {
        for millis in [0, 1, -1, 1_795_487_288_250, -62_135_596_800_000] {
            let time = Timestamp::from_millis(millis);
            assert_eq!(Timestamp::from(SystemTime::from(time)), time);
        }
        for millis in [i64::MIN, i64::MAX] {
            let _ = SystemTime::from(Timestamp::from_millis(millis));
        }
        assert_eq!(Timestamp::from_secs(2), Timestamp::from_millis(2000));
        assert_eq!(Timestamp::from_secs(i64::MAX).as_millis(), i64::MAX);
        assert_eq!(Timestamp::from_millis(-1).as_secs(), -1);
    }

    #[test]
    fn whole_seconds_have_no_fraction_on_the_wire() {
        let text = |d| serde_json::to_string(&Seconds(d)).expect("serializes");
        assert_eq!(text(Duration::from_secs(30)), "30");
        assert_eq!(text(Duration::from_millis(1500)), "1.5");
        assert!(serde_json::from_str::<Seconds>("-1").is_err());
        assert_eq!(
            serde_json::from_str::<Seconds>("2").expect("two").0,
            Duration::from_secs(2)
        );
    }
}
