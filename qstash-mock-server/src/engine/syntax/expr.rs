//! Retry-delay expressions: arithmetic over numbers and the variable `retried` (v2.md section A.2).
//!
//! `parse.rs` turns the text into a program for a stack, once, when a message is published. Running the program at a
//! retry cannot fail. Values are IEEE doubles and count milliseconds.

mod parse;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The wait before a retry, as a formula over the number of earlier retries. Two are equal if their texts are.
#[derive(Clone)]
pub struct RetryDelay {
    text: Arc<str>,
    program: Arc<[Op]>,
}

impl RetryDelay {
    /// The most bytes of an expression.
    pub const MAX_BYTES: usize = 1024;
    /// The most levels of nested parentheses, calls and signs.
    pub const MAX_DEPTH: usize = 32;
    /// The longest delay; a larger value of the formula is cut to it.
    pub const MAX: Duration = Duration::from_secs(24 * 60 * 60);

    /// Parses `text`, and keeps it unchanged for [`Self::as_str`].
    ///
    /// # Errors
    /// `text` is not an expression of the grammar, is longer than [`Self::MAX_BYTES`] or nested deeper than
    /// [`Self::MAX_DEPTH`].
    pub fn parse(text: &str) -> Result<Self, ExprError> {
        let program = parse::program(text)?;
        Ok(Self {
            text: text.into(),
            program: program.into(),
        })
    }

    /// The delay before the next retry, after `retried` earlier ones (0 before the first). The formula's value is cut
    /// to whole milliseconds; a negative value and NaN mean no delay.
    #[must_use]
    pub fn delay(&self, retried: u32) -> Duration {
        let millis = self.evaluate(f64::from(retried));
        // `millis <= 0.0` alone would let NaN pass.
        if millis.is_nan() || millis <= 0.0 {
            return Duration::ZERO;
        }
        let capped = millis.min(Self::MAX.as_secs_f64() * 1000.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is positive and at most a day"
        )]
        Duration::from_millis(capped as u64)
    }

    /// The bytes that it takes.
    pub(crate) fn cost(&self) -> usize {
        self.text.len() + size_of_val(&*self.program)
    }

    /// The text as the publisher wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    fn evaluate(&self, retried: f64) -> f64 {
        let mut stack: Vec<f64> = Vec::with_capacity(8);
        for op in self.program.iter() {
            let value = match *op {
                Op::Number(number) => number,
                Op::Retried => retried,
                Op::Negate => -pop(&mut stack),
                Op::Binary(operator) => {
                    let right = pop(&mut stack);
                    operator.apply(pop(&mut stack), right)
                }
                Op::Call(function, arguments) => {
                    let first = stack.len().saturating_sub(usize::from(arguments));
                    let value = function.apply(&stack[first..]);
                    stack.truncate(first);
                    value
                }
            };
            stack.push(value);
        }
        pop(&mut stack)
    }
}

/// Takes the last value. The parser makes only programs in which there always is one.
fn pop(stack: &mut Vec<f64>) -> f64 {
    debug_assert!(!stack.is_empty());
    stack.pop().unwrap_or(0.0)
}

impl PartialEq for RetryDelay {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for RetryDelay {}

impl fmt::Debug for RetryDelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RetryDelay({:?})", self.text)
    }
}

/// Why a text is not a retry-delay expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExprError {
    /// The text is empty.
    #[error("the expression is empty")]
    Empty,
    /// The text is longer than [`RetryDelay::MAX_BYTES`].
    #[error("the expression is longer than {} bytes", RetryDelay::MAX_BYTES)]
    TooLong,
    /// The expression is nested deeper than [`RetryDelay::MAX_DEPTH`].
    #[error(
        "the expression is nested deeper than {} levels",
        RetryDelay::MAX_DEPTH
    )]
    TooDeep,
    /// The text ends where more must follow.
    #[error("the expression ends too early")]
    Unfinished,
    /// A character or word is not allowed where it is.
    #[error("`{found}` is not expected at character {position}")]
    Unexpected {
        /// The character or word.
        found: String,
        /// The character's position in the text, from 1.
        position: usize,
    },
    /// A name is neither `retried` nor a function.
    #[error(
        "`{0}` is not known; there are `retried` and the functions pow, exp, sqrt, abs, floor, ceil, round, min and max"
    )]
    UnknownName(String),
    /// A function has too few or too many arguments.
    #[error("`{function}` takes {takes}, not {given}")]
    Arguments {
        /// The function's name.
        function: &'static str,
        /// How many arguments the function takes, in words.
        takes: &'static str,
        /// How many arguments it has.
        given: usize,
    },
}

/// One step of the program.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Op {
    Number(f64),
    Retried,
    Negate,
    Binary(Operator),
    /// A call of a function, with the number of its arguments.
    Call(Function, u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Operator {
    fn apply(self, left: f64, right: f64) -> f64 {
        match self {
            Self::Add => left + right,
            Self::Subtract => left - right,
            Self::Multiply => left * right,
            Self::Divide => left / right,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Pow,
    Exp,
    Sqrt,
    Abs,
    Floor,
    Ceil,
    Round,
    Min,
    Max,
}

impl Function {
    const ALL: [Self; 9] = [
        Self::Pow,
        Self::Exp,
        Self::Sqrt,
        Self::Abs,
        Self::Floor,
        Self::Ceil,
        Self::Round,
        Self::Min,
        Self::Max,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Pow => "pow",
            Self::Exp => "exp",
            Self::Sqrt => "sqrt",
            Self::Abs => "abs",
            Self::Floor => "floor",
            Self::Ceil => "ceil",
            Self::Round => "round",
            Self::Min => "min",
            Self::Max => "max",
        }
    }

    /// The fewest and the most arguments, and both in words.
    const fn takes(self) -> (usize, usize, &'static str) {
        match self {
            Self::Pow => (2, 2, "2 arguments"),
            Self::Min | Self::Max => (2, u8::MAX as usize, "2 to 255 arguments"),
            _ => (1, 1, "1 argument"),
        }
    }

    fn apply(self, arguments: &[f64]) -> f64 {
        let first = arguments.first().copied().unwrap_or(f64::NAN);
        let all = || arguments.iter().copied();
        match self {
            Self::Pow => first.powf(arguments.get(1).copied().unwrap_or(f64::NAN)),
            Self::Exp => first.exp(),
            Self::Sqrt => first.sqrt(),
            Self::Abs => first.abs(),
            Self::Floor => first.floor(),
            Self::Ceil => first.ceil(),
            Self::Round => first.round(),
            // Unlike `f64::min`, what is no number stays so: a broken formula must not look like a good one.
            Self::Min => all().fold(first, |a, b| if b.is_nan() || b < a { b } else { a }),
            Self::Max => all().fold(first, |a, b| if b.is_nan() || b > a { b } else { a }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn millis(text: &str, retried: u32) -> u128 {
        let delay = RetryDelay::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(delay.as_str(), text);
        delay.delay(retried).as_millis()
    }

    #[test]
    fn the_published_samples() {
        for (text, expected) in [
            ("1000", [1000, 1000, 1000]),
            ("1000 * (1 + retried)", [1000, 2000, 3000]),
            ("pow(2, retried) * 1000", [1000, 2000, 4000]),
            ("max(1000, pow(2, retried) * 100)", [1000, 1000, 1000]),
            ("7000 * retried", [0, 7000, 14_000]),
        ] {
            assert_eq!(
                [0, 1, 2].map(|retried| millis(text, retried)),
                expected,
                "{text}"
            );
        }
        assert_eq!(millis("max(1000, pow(2, retried) * 100)", 4), 1600);
    }

    #[test]
    fn operators_bind_as_in_arithmetic() {
        for (text, expected) in [
            ("1 + 2 * 3", 7),
            ("(1 + 2) * 3", 9),
            ("10 - 4 - 3", 3),
            ("100 / 10 / 5", 2),
            ("10 - -4", 14),
            ("2 * -3 + 10", 4),
            ("-2 + 5", 3),
            ("- - 5", 5),
            ("+5", 5),
            ("6 / 4 * 2", 3),
            ("1.5e3 + 0.25 * 4", 1501),
            ("2E-1*10", 2),
        ] {
            assert_eq!(millis(text, 0), expected, "{text}");
        }
    }

    #[test]
    fn every_function_computes_what_it_is_named_after() {
        for (text, expected) in [
            ("pow(2, 10)", 1024),
            ("exp(2.5) * 1000", 12_182),
            ("sqrt(81)", 9),
            ("abs(-7) + abs(7)", 14),
            ("floor(2.9)", 2),
            ("ceil(2.1)", 3),
            ("round(2.5)", 3),
            ("round(2.4)", 2),
            ("min(5, 3, 4)", 3),
            ("max(5, 3, 8, 4)", 8),
        ] {
            assert_eq!(millis(text, 0), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_length_of_time_means_at_once_and_what_is_too_long_a_day() {
        const DAY: u128 = 86_400_000;
        for (text, expected) in [
            ("-1", 0),
            ("0 / 0", 0),
            ("sqrt(-1)", 0),
            ("min(1000, sqrt(-1))", 0),
            ("max(sqrt(-1), 1000)", 0),
            ("-1 / 0", 0),
            ("0.9", 0),
            ("1 / 0", DAY),
            ("exp(1000)", DAY),
            ("86400000", DAY),
            ("86400001", DAY),
            ("86399999.9", DAY - 1),
            ("1e999", DAY),
        ] {
            assert_eq!(millis(text, 0), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_at_all_is_a_danger(text in ".{0,200}") {
            if let Ok(delay) = RetryDelay::parse(&text) {
                for retried in [0, 1, 1000, u32::MAX] {
                    prop_assert!(delay.delay(retried) <= RetryDelay::MAX);
                }
            }
        }

        #[test]
        fn no_text_of_its_own_words_is_a_danger(
            words in prop::collection::vec(prop::sample::select(vec![
                "1", "0", "2.5", "1e308", "retried", "pow(", "exp(", "min(", "max(", "sqrt(", "(", ")", ",",
                "+", "-", "*", "/", " ",
            ]), 0..60),
        ) {
            if let Ok(delay) = RetryDelay::parse(&words.concat()) {
                prop_assert!(delay.delay(3) <= RetryDelay::MAX);
            }
        }

        #[test]
        fn sums_and_products_agree_with_rust(a in 0_u32..1000, b in 0_u32..1000, c in 0_u32..50) {
            let text = format!("{a} + {b} * retried");
            prop_assert_eq!(millis(&text, c), u128::from(a + b * c));
            let text = format!("({a} + {b}) * (retried)");
            prop_assert_eq!(millis(&text, c), u128::from((a + b) * c));
        }
    }
}
