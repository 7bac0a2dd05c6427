//! How long the service waits before it tries again: an arithmetic expression.

use std::fmt::Write as _;
use std::ops::{Add, Mul};
use std::time::Duration;

use http::HeaderValue;

use crate::error::Error;
use crate::v2::headers::text;

/// An arithmetic expression for the wait before a retry, in milliseconds. [`retried`] stands for the number of retries
/// so far, which is 0 before the first one.
///
/// ```
/// use qstash_client::v2::{RetryDelay, retried};
/// let doubling = RetryDelay::from(2).pow(retried()) * 1000;
/// assert_eq!(doubling.to_string(), "pow(2, retried) * 1000");
/// let capped = doubling.min(60_000);
/// assert_eq!(capped.to_string(), "min(pow(2, retried) * 1000, 60000)");
/// ```
///
/// The service documents no example with `a - b` or `a / b`; write them with [`text`](Self::text).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct RetryDelay {
    text: String,
    /// Whether the expression has to stand in parentheses to be multiplied.
    is_sum: bool,
    /// The first number that cannot be written.
    bad: Option<String>,
}

/// Returns the variable that stands for the number of retries so far, which is 0 before the first one.
pub fn retried() -> RetryDelay {
    RetryDelay::atom("retried")
}

impl RetryDelay {
    /// Takes an expression as text, such as `pow(2, retried) * 1000`. Only the service checks its grammar.
    pub fn text(expression: impl Into<String>) -> Self {
        // Its outermost operator is unknown, and may bind less tightly than a product.
        Self {
            is_sum: true,
            ..Self::atom(expression)
        }
    }

    /// Writes `pow(self, exponent)`.
    pub fn pow(self, exponent: impl Into<Self>) -> Self {
        Self::function("pow", [self, exponent.into()])
    }

    /// Writes `min(self, other)`, the smaller of the two.
    pub fn min(self, other: impl Into<Self>) -> Self {
        Self::function("min", [self, other.into()])
    }

    /// Writes `max(self, other)`, the larger of the two.
    pub fn max(self, other: impl Into<Self>) -> Self {
        Self::function("max", [self, other.into()])
    }

    /// Writes `exp(self)`, which is `e` to the power of the expression.
    pub fn exp(self) -> Self {
        Self::function("exp", [self])
    }

    /// Writes `sqrt(self)`, the square root.
    pub fn sqrt(self) -> Self {
        Self::function("sqrt", [self])
    }

    /// Writes `abs(self)`, the absolute value.
    pub fn abs(self) -> Self {
        Self::function("abs", [self])
    }

    /// Writes `floor(self)`, the next whole number below.
    pub fn floor(self) -> Self {
        Self::function("floor", [self])
    }

    /// Writes `ceil(self)`, the next whole number above.
    pub fn ceil(self) -> Self {
        Self::function("ceil", [self])
    }

    /// Writes `round(self)`, the nearest whole number.
    pub fn round(self) -> Self {
        Self::function("round", [self])
    }

    fn atom(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_sum: false,
            bad: None,
        }
    }

    fn function<const N: usize>(name: &str, arguments: [Self; N]) -> Self {
        let mut made = Self::atom(format!("{name}("));
        for (n, argument) in arguments.into_iter().enumerate() {
            let comma = if n == 0 { "" } else { ", " };
            write!(made.text, "{comma}{}", argument.text).expect("a String takes everything");
            made.bad = made.bad.or(argument.bad);
        }
        made.text.push(')');
        made
    }

    fn factor(&self) -> String {
        if self.is_sum {
            format!("({})", self.text)
        } else {
            self.text.clone()
        }
    }

    pub(crate) fn header(&self) -> Result<HeaderValue, Error> {
        if let Some(number) = &self.bad {
            let reason = format!(
                "the retry delay holds {number}, which is not a finite number of 0 or more"
            );
            return Err(Error::invalid(reason));
        }
        match text("retry delay", &self.text) {
            Ok(value) if !self.text.trim().is_empty() => Ok(value),
            _ => Err(Error::invalid_input(
                "retry delay",
                &self.text,
                "must be one line of visible ASCII and not empty",
            )),
        }
    }
}

impl std::fmt::Display for RetryDelay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl<T: Into<Self>> Add<T> for RetryDelay {
    type Output = Self;
    fn add(self, other: T) -> Self {
        let other = other.into();
        Self {
            text: format!("{} + {}", self.text, other.text),
            is_sum: true,
            bad: self.bad.or(other.bad),
        }
    }
}

impl<T: Into<Self>> Mul<T> for RetryDelay {
    type Output = Self;
    fn mul(self, other: T) -> Self {
        let other = other.into();
        Self {
            text: format!("{} * {}", self.factor(), other.factor()),
            is_sum: false,
            bad: self.bad.or(other.bad),
        }
    }
}

/// A number of milliseconds. A negative number is refused when the message is sent.
impl From<f64> for RetryDelay {
    fn from(number: f64) -> Self {
        let mut made = Self::atom(number.to_string());
        if !number.is_finite() || number.is_sign_negative() {
            made.bad = Some(made.text.clone());
        }
        made
    }
}

/// A number of milliseconds.
impl From<u64> for RetryDelay {
    fn from(number: u64) -> Self {
        Self::atom(number.to_string())
    }
}

/// A number of milliseconds.
impl From<u32> for RetryDelay {
    fn from(number: u32) -> Self {
        Self::atom(number.to_string())
    }
}

/// A number of milliseconds. A negative number is refused when the message is sent.
impl From<i32> for RetryDelay {
    fn from(number: i32) -> Self {
        Self::from(f64::from(number))
    }
}

/// The same wait before each retry, written in milliseconds.
impl From<Duration> for RetryDelay {
    fn from(wait: Duration) -> Self {
        Self::atom(wait.as_millis().to_string())
    }
}

impl From<&str> for RetryDelay {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_bracketed_only_where_they_are_multiplied() {
        let linear = (retried() + 1) * 1000;
        assert_eq!(linear.to_string(), "(retried + 1) * 1000");
        assert_eq!((retried() * 7000 + 5).to_string(), "retried * 7000 + 5");
        let nested = RetryDelay::from(1000).max((retried() + 1).sqrt().round() * (retried() + 2));
        let text = "max(1000, round(sqrt(retried + 1)) * (retried + 2))";
        assert_eq!(nested.to_string(), text);
        let rest = RetryDelay::from(0.5).exp().abs().floor().ceil();
        assert_eq!(rest.to_string(), "ceil(floor(abs(exp(0.5))))");
        assert_eq!(RetryDelay::from(Duration::from_secs(2)).to_string(), "2000");
        assert_eq!(RetryDelay::from(1e21).to_string(), "1000000000000000000000");
    }

    #[test]
    fn an_expression_in_text_keeps_its_value_in_a_product() {
        let product = RetryDelay::text("retried + 1") * 1000;
        assert_eq!(product.to_string(), "(retried + 1) * 1000");
        let capped = RetryDelay::text("1000 - retried").max(5);
        assert_eq!(capped.to_string(), "max(1000 - retried, 5)");
        assert_eq!(RetryDelay::text("retried").to_string(), "retried");
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        for bad in [
            RetryDelay::from(-1),
            retried() * f64::NAN,
            RetryDelay::from(1) + f64::INFINITY,
            RetryDelay::from(1).min(-0.5),
            RetryDelay::text(" "),
            RetryDelay::text("1000 × retried"),
            RetryDelay::text("1\r\nx: y"),
        ] {
            assert!(bad.header().is_err(), "{bad}");
        }
        assert!(RetryDelay::from("1000 - retried").header().is_ok());
    }
}
