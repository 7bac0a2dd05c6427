//! From text to program: a precedence-climbing parser over tokens, bounded in length and depth.

use super::{ExprError, Function, Op, Operator, RetryDelay};

/// The program that computes `text`.
pub(super) fn program(text: &str) -> Result<Vec<Op>, ExprError> {
    if text.len() > RetryDelay::MAX_BYTES {
        return Err(ExprError::TooLong);
    }
    if text.trim().is_empty() {
        return Err(ExprError::Empty);
    }
    let mut parser = Parser {
        text,
        at: 0,
        program: Vec::new(),
    };
    parser.expression(0, 0)?;
    match parser.next()? {
        None => Ok(parser.program),
        Some(token) => Err(parser.unexpected(token)),
    }
}

/// How strongly a sign before a value binds: more than any operator between two.
const SIGN: u8 = 10;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token<'a> {
    Number(&'a str, f64),
    Name(&'a str),
    /// One of `+ - * / ( ) ,`.
    Sign(char),
}

struct Parser<'a> {
    text: &'a str,
    /// Bytes that were read.
    at: usize,
    program: Vec<Op>,
}

impl<'a> Parser<'a> {
    /// A value and all that binds to it at least as strongly as `binding`.
    fn expression(&mut self, binding: u8, depth: usize) -> Result<(), ExprError> {
        if depth > RetryDelay::MAX_DEPTH {
            return Err(ExprError::TooDeep);
        }
        self.operand(depth)?;
        while let Some((operator, strength)) = self.peek()?.and_then(operator) {
            if strength < binding {
                break;
            }
            self.next()?;
            // One more, because 10 - 4 - 3 is (10 - 4) - 3.
            self.expression(strength + 1, depth + 1)?;
            self.program.push(Op::Binary(operator));
        }
        Ok(())
    }

    fn operand(&mut self, depth: usize) -> Result<(), ExprError> {
        match self.next()?.ok_or(ExprError::Unfinished)? {
            Token::Number(_, number) => self.program.push(Op::Number(number)),
            Token::Name("retried") => self.program.push(Op::Retried),
            Token::Name(name) => return self.call(name, depth),
            Token::Sign('-') => {
                self.expression(SIGN, depth + 1)?;
                self.program.push(Op::Negate);
            }
            Token::Sign('+') => self.expression(SIGN, depth + 1)?,
            Token::Sign('(') => {
                self.expression(0, depth + 1)?;
                self.expect(')')?;
            }
            token @ Token::Sign(_) => return Err(self.unexpected(token)),
        }
        Ok(())
    }

    fn call(&mut self, name: &str, depth: usize) -> Result<(), ExprError> {
        let function = Function::ALL.into_iter().find(|it| it.name() == name);
        let function = function.ok_or_else(|| ExprError::UnknownName(name.to_owned()))?;
        self.expect('(')?;
        let mut given = 0;
        if self.peek()? == Some(Token::Sign(')')) {
            self.next()?;
        } else {
            loop {
                self.expression(0, depth + 1)?;
                given += 1;
                match self.next()?.ok_or(ExprError::Unfinished)? {
                    Token::Sign(',') => {}
                    Token::Sign(')') => break,
                    token => return Err(self.unexpected(token)),
                }
            }
        }
        let (least, most, takes) = function.takes();
        match u8::try_from(given) {
            Ok(count) if (least..=most).contains(&given) => {
                self.program.push(Op::Call(function, count));
                Ok(())
            }
            _ => Err(ExprError::Arguments {
                function: function.name(),
                takes,
                given,
            }),
        }
    }

    fn expect(&mut self, sign: char) -> Result<(), ExprError> {
        match self.next()?.ok_or(ExprError::Unfinished)? {
            token if token == Token::Sign(sign) => Ok(()),
            token => Err(self.unexpected(token)),
        }
    }

    fn peek(&mut self) -> Result<Option<Token<'a>>, ExprError> {
        let at = self.at;
        let token = self.next();
        self.at = at;
        token
    }

    fn next(&mut self) -> Result<Option<Token<'a>>, ExprError> {
        let rest = self.text[self.at..].trim_start();
        self.at = self.text.len() - rest.len();
        let Some(first) = rest.chars().next() else {
            return Ok(None);
        };
        let (token, length) = match first {
            '0'..='9' => self.number(rest)?,
            'a'..='z' | 'A'..='Z' | '_' => {
                let length = span(rest, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
                (Token::Name(&rest[..length]), length)
            }
            '+' | '-' | '*' | '/' | '(' | ')' | ',' => (Token::Sign(first), 1),
            other => {
                self.at += other.len_utf8();
                return Err(self.unexpected_at(other.to_string(), other.len_utf8()));
            }
        };
        self.at += length;
        Ok(Some(token))
    }

    /// Digits, perhaps a fraction, perhaps an exponent; and its length.
    fn number(&self, rest: &'a str) -> Result<(Token<'a>, usize), ExprError> {
        let digits = |from: usize| span(&rest[from..], |byte| byte.is_ascii_digit());
        let mut length = digits(0);
        if rest[length..].starts_with('.') && digits(length + 1) > 0 {
            length += 1 + digits(length + 1);
        }
        if rest[length..].starts_with(['e', 'E']) {
            let signed = usize::from(rest[length + 1..].starts_with(['+', '-']));
            let exponent = digits(length + 1 + signed);
            if exponent > 0 {
                length += 1 + signed + exponent;
            }
        }
        let text = &rest[..length];
        let number = text.parse().map_err(|_| ExprError::Unexpected {
            found: text.to_owned(),
            position: self.at + 1,
        })?;
        Ok((Token::Number(text, number), length))
    }

    /// `token` was the last one read.
    fn unexpected(&self, token: Token<'_>) -> ExprError {
        let found = match token {
            Token::Number(text, _) | Token::Name(text) => text.to_owned(),
            Token::Sign(sign) => sign.to_string(),
        };
        let length = found.len();
        self.unexpected_at(found, length)
    }

    fn unexpected_at(&self, found: String, length: usize) -> ExprError {
        let before = self.text.get(..self.at - length).unwrap_or_default();
        ExprError::Unexpected {
            found,
            position: before.chars().count() + 1,
        }
    }
}

/// An operator between two values, and how strongly it binds.
fn operator(token: Token<'_>) -> Option<(Operator, u8)> {
    match token {
        Token::Sign('+') => Some((Operator::Add, 1)),
        Token::Sign('-') => Some((Operator::Subtract, 1)),
        Token::Sign('*') => Some((Operator::Multiply, 2)),
        Token::Sign('/') => Some((Operator::Divide, 2)),
        _ => None,
    }
}

/// How many bytes at the beginning of `text` fit.
fn span(text: &str, fits: impl Fn(u8) -> bool) -> usize {
    text.bytes()
        .position(|byte| !fits(byte))
        .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        match RetryDelay::parse(text) {
            Ok(_) => panic!("{text} is accepted"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_is_wrong_is_said_and_where() {
        for (text, expected) in [
            ("", "the expression is empty"),
            ("   ", "the expression is empty"),
            ("1 +", "the expression ends too early"),
            ("(1", "the expression ends too early"),
            ("pow(1,", "the expression ends too early"),
            ("1 2", "`2` is not expected at character 3"),
            ("1 + * 2", "`*` is not expected at character 5"),
            ("(1))", "`)` is not expected at character 4"),
            ("pow 2", "`2` is not expected at character 5"),
            ("1 % 2", "`%` is not expected at character 3"),
            ("ä", "`ä` is not expected at character 1"),
            (".5", "`.` is not expected at character 1"),
            ("1.", "`.` is not expected at character 2"),
            ("1,2", "`,` is not expected at character 2"),
            ("2retried", "`retried` is not expected at character 2"),
            ("1000ms", "`ms` is not expected at character 5"),
            ("pow(1)", "`pow` takes 2 arguments, not 1"),
            ("exp()", "`exp` takes 1 argument, not 0"),
            ("exp(1, 2)", "`exp` takes 1 argument, not 2"),
            ("min(1)", "`min` takes 2 to 255 arguments, not 1"),
        ] {
            assert_eq!(refused(text), expected, "{text:?}");
        }
        for text in ["Retried", "log(2)", "POW(1,2)", "e", "retries * 2"] {
            let sentence = refused(text);
            assert!(sentence.contains("is not known"), "{text}: {sentence}");
        }
    }

    #[test]
    fn depth_and_length_are_bounded_and_no_less_is_allowed() {
        let nested = |levels: usize| format!("{}1{}", "(".repeat(levels), ")".repeat(levels));
        assert!(RetryDelay::parse(&nested(RetryDelay::MAX_DEPTH)).is_ok());
        let too_deep = ExprError::TooDeep.to_string();
        assert_eq!(refused(&nested(RetryDelay::MAX_DEPTH + 1)), too_deep);
        assert_eq!(refused(&format!("{}1", "-".repeat(500))), too_deep);
        assert_eq!(refused(&"abs(".repeat(200)), too_deep);

        let long = "1".repeat(RetryDelay::MAX_BYTES);
        assert!(RetryDelay::parse(&long).is_ok());
        assert_eq!(refused(&format!("{long}1")), ExprError::TooLong.to_string());
        let sum = vec!["1"; RetryDelay::MAX_BYTES / 2].join("+");
        assert_eq!(RetryDelay::parse(&sum).unwrap().delay(0).as_millis(), 512);
        let arguments = |count: usize| format!("max({})", vec!["1"; count].join(","));
        assert!(RetryDelay::parse(&arguments(255)).is_ok());
        assert_eq!(
            refused(&arguments(256)),
            "`max` takes 2 to 255 arguments, not 256"
        );
    }
}
