//! The grammar of label selectors, token by token as Kubernetes' parser reads it, since its errors name tokens.

use std::str::FromStr;

use serde_json::Value;

use super::selector::{Error, Operator, Requirement, Selector};
use crate::{field, name};

impl Selector {
    /// Reads a selector as `kubectl -l` takes it. The empty text matches everything.
    ///
    /// # Errors
    /// In Kubernetes' words, fit for a 400.
    pub fn parse(text: &str) -> Result<Self, Error> {
        requirements(text).map(Self::sorted)
    }
}

impl FromStr for Selector {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

fn requirements(text: &str) -> Result<Vec<Requirement>, Error> {
    let mut tokens = Tokens { tokens: scan(text), position: 0 };
    let mut requirements = Vec::new();
    loop {
        match tokens.peek() {
            Token::End => return Ok(requirements),
            Token::Word(_) | Token::Not => {}
            other => return Err(other.unexpected("!, identifier, or 'end of string'")),
        }
        requirements.push(requirement(&mut tokens).map_err(|why| Error::Requirement(Box::new(why)))?);
        match tokens.next() {
            Token::End => return Ok(requirements),
            Token::Comma => match tokens.peek() {
                Token::Word(_) | Token::Not => {}
                other => return Err(other.unexpected("identifier after ','")),
            },
            other => return Err(other.unexpected("',' or 'end of string'")),
        }
    }
}

fn requirement(tokens: &mut Tokens<'_>) -> Result<Requirement, Error> {
    let mut first = tokens.next();
    let negated = first == Token::Not;
    if negated {
        first = tokens.next();
    }
    let Token::Word(key) = first else { return Err(first.unexpected("identifier")) };
    let invalid = name::label_key(key);
    if !invalid.is_empty() {
        // Kubernetes has no path here, and prints its nil pointer.
        let path = field::Path::new("<nil>");
        return Err(Error::Invalid(vec![field::Error::invalid(
            path,
            &Value::from(key),
            &invalid.join("; "),
        )]));
    }
    if negated {
        return Requirement::new(key, Operator::DoesNotExist, Vec::new());
    }
    if matches!(tokens.peek(), Token::End | Token::Comma) {
        return Requirement::new(key, Operator::Exists, Vec::new());
    }
    let operator = match tokens.next() {
        Token::Word("in") => Operator::In,
        Token::Word("notin") => Operator::NotIn,
        Token::Equals => Operator::Equals,
        Token::DoubleEquals => Operator::DoubleEquals,
        Token::NotEquals => Operator::NotEquals,
        Token::Greater => Operator::GreaterThan,
        Token::Less => Operator::LessThan,
        other => return Err(other.unexpected("in, notin, =, ==, !=, gt, lt")),
    };
    let values = match operator {
        Operator::In | Operator::NotIn => values(tokens)?,
        _ => vec![exact_value(tokens)?],
    };
    Requirement::new(key, operator, values)
}

fn exact_value(tokens: &mut Tokens<'_>) -> Result<String, Error> {
    if matches!(tokens.peek(), Token::End | Token::Comma) {
        return Ok(String::new());
    }
    match tokens.next() {
        Token::Word(value) => Ok(value.to_owned()),
        other => Err(other.unexpected("identifier")),
    }
}

/// `(a,b)`; `()`, `(,)` and `(a,)` hold the empty value.
fn values(tokens: &mut Tokens<'_>) -> Result<Vec<String>, Error> {
    match tokens.next() {
        Token::Open => {}
        other => return Err(Error::NoParenthesis(other.text().to_owned())),
    }
    match tokens.peek() {
        Token::Word(_) | Token::Comma => {}
        Token::Close => {
            tokens.next();
            return Ok(vec![String::new()]);
        }
        other => return Err(other.unexpected("',', ')' or identifier")),
    }
    let mut values: Vec<String> = Vec::new();
    loop {
        match tokens.next() {
            Token::Word(value) => {
                values.push(value.to_owned());
                match tokens.peek() {
                    Token::Comma => {}
                    Token::Close => break,
                    other => return Err(other.unexpected("',' or ')'")),
                }
            }
            Token::Comma => {
                if values.is_empty() || matches!(tokens.peek(), Token::Comma | Token::Close) {
                    values.push(String::new());
                }
                if tokens.peek() == Token::Close {
                    break;
                }
            }
            other => return Err(other.unexpected("',', or identifier")),
        }
    }
    tokens.next();
    Ok(values)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    End,
    Open,
    Close,
    Comma,
    Not,
    Equals,
    DoubleEquals,
    NotEquals,
    Greater,
    Less,
    /// A key, a value, or one of the operators that are words.
    Word(&'a str),
}

impl<'a> Token<'a> {
    fn text(self) -> &'a str {
        match self {
            Self::End => "",
            Self::Open => "(",
            Self::Close => ")",
            Self::Comma => ",",
            Self::Not => "!",
            Self::Equals => "=",
            Self::DoubleEquals => "==",
            Self::NotEquals => "!=",
            Self::Greater => ">",
            Self::Less => "<",
            Self::Word(text) => text,
        }
    }

    fn unexpected(self, expected: &'static str) -> Error {
        Error::Unexpected { found: self.text().to_owned(), expected }
    }
}

struct Tokens<'a> {
    tokens: Vec<Token<'a>>,
    position: usize,
}

impl<'a> Tokens<'a> {
    fn peek(&self) -> Token<'a> {
        self.tokens.get(self.position).copied().unwrap_or(Token::End)
    }

    fn next(&mut self) -> Token<'a> {
        let token = self.peek();
        self.position += 1;
        token
    }
}

fn scan(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(is_space);
        let (token, length) = match rest.as_bytes() {
            // Kubernetes' lexer takes a NUL for the end.
            [] | [0, ..] => return tokens,
            [b'(', ..] => (Token::Open, 1),
            [b')', ..] => (Token::Close, 1),
            [b',', ..] => (Token::Comma, 1),
            [b'>', ..] => (Token::Greater, 1),
            [b'<', ..] => (Token::Less, 1),
            [b'=', b'=', ..] => (Token::DoubleEquals, 2),
            [b'=', ..] => (Token::Equals, 1),
            [b'!', b'=', ..] => (Token::NotEquals, 2),
            [b'!', ..] => (Token::Not, 1),
            _ => {
                let end =
                    rest.find(|next| is_space(next) || "=!(),><\0".contains(next)).unwrap_or(rest.len());
                (Token::Word(rest.get(..end).unwrap_or(rest)), end)
            }
        };
        tokens.push(token);
        rest = rest.get(length..).unwrap_or_default();
    }
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}
