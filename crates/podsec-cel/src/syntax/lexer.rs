//! Splits the text of an expression into tokens, as the lexical rules of CEL's grammar say.

use super::source::{Errors, Source};
use super::token::{Token, TokenKind};

/// The tokens, an end among them as the last. What is no token is an error and left out.
pub(super) fn tokens(source: &Source, errors: &mut Errors) -> Vec<Token> {
    let mut lexer = Lexer { characters: &source.characters, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip();
        let begin = lexer.at;
        let Some(first) = lexer.peek(0) else { break };
        let kind = lexer.token(first);
        if lexer.at == begin {
            lexer.at = lexer.unknown(begin, first);
            let text = source.text(begin, lexer.at);
            errors.add(Some(begin), format!("Syntax error: token recognition error at: '{text}'"));
            continue;
        }
        tokens.push(Token { kind, text: source.text(begin, lexer.at), offset: begin });
    }
    tokens.push(Token { kind: TokenKind::End, text: String::new(), offset: source.characters.len() });
    tokens
}

struct Lexer<'s> {
    characters: &'s [char],
    at: usize,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.characters.get(self.at + ahead).copied()
    }

    /// White space and comments.
    fn skip(&mut self) {
        while let Some(character) = self.peek(0) {
            match character {
                '\t' | ' ' | '\r' | '\n' | '\u{c}' => self.at += 1,
                '/' if self.peek(1) == Some('/') => {
                    while self.peek(0).is_some_and(|character| character != '\n') {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    /// Passes over one token; over nothing when there is none.
    fn token(&mut self, first: char) -> TokenKind {
        if let Some(kind) = self.quoted(first) {
            return kind;
        }
        if first == '_' || first.is_ascii_alphabetic() {
            return self.word();
        }
        if first.is_ascii_digit() || (first == '.' && self.peek(1).is_some_and(|next| next.is_ascii_digit()))
        {
            return self.number();
        }
        if first == '`' {
            return self.escaped();
        }
        let two: String = [Some(first), self.peek(1)].into_iter().flatten().collect();
        if ["==", "!=", "<=", ">=", "&&", "||"].contains(&two.as_str()) {
            self.at += 2;
        } else if "<>[]{}().,-!?:+*/%".contains(first) {
            self.at += 1;
        }
        TokenKind::Sign
    }

    fn word(&mut self) -> TokenKind {
        let begin = self.at;
        while self.peek(0).is_some_and(|next| next == '_' || next.is_ascii_alphanumeric()) {
            self.at += 1;
        }
        let word: String = self.characters.get(begin..self.at).unwrap_or_default().iter().collect();
        if ["in", "true", "false", "null"].contains(&word.as_str()) {
            TokenKind::Sign
        } else {
            TokenKind::Ident
        }
    }

    fn escaped(&mut self) -> TokenKind {
        let legal = |next: char| next.is_ascii_alphanumeric() || "_.-/ ".contains(next);
        let mut end = self.at + 1;
        while self.characters.get(end).is_some_and(|next| legal(*next)) {
            end += 1;
        }
        if end > self.at + 1 && self.characters.get(end) == Some(&'`') {
            self.at = end + 1;
        }
        TokenKind::EscapedIdent
    }

    fn digits(&mut self) {
        while self.peek(0).is_some_and(|next| next.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn number(&mut self) -> TokenKind {
        let hexadecimal = self.peek(0) == Some('0')
            && self.peek(1) == Some('x')
            && self.peek(2).is_some_and(|next| next.is_ascii_hexdigit());
        let mut kind = TokenKind::Int;
        if hexadecimal {
            self.at += 2;
            while self.peek(0).is_some_and(|next| next.is_ascii_hexdigit()) {
                self.at += 1;
            }
        } else {
            self.digits();
            if self.peek(0) == Some('.') && self.peek(1).is_some_and(|next| next.is_ascii_digit()) {
                self.at += 1;
                self.digits();
                kind = TokenKind::Float;
            }
            let sign = usize::from(matches!(self.peek(1), Some('+' | '-')));
            let exponent = matches!(self.peek(0), Some('e' | 'E'))
                && self.peek(1 + sign).is_some_and(|next| next.is_ascii_digit());
            if exponent {
                self.at += 1 + sign;
                self.digits();
                kind = TokenKind::Float;
            }
        }
        if kind == TokenKind::Int && matches!(self.peek(0), Some('u' | 'U')) {
            self.at += 1;
            kind = TokenKind::Uint;
        }
        kind
    }

    /// A string or bytes literal, if a whole one begins here.
    fn quoted(&mut self, first: char) -> Option<TokenKind> {
        let mut quote = 0;
        let bytes = matches!(first, 'b' | 'B');
        if bytes {
            quote += 1;
        }
        let raw = matches!(self.peek(quote), Some('r' | 'R'));
        if raw {
            quote += 1;
        }
        let sign = self.peek(quote).filter(|sign| matches!(sign, '"' | '\''))?;
        let end = self.end_of_string(self.at + quote, sign, raw)?;
        self.at = end;
        Some(if bytes { TokenKind::Bytes } else { TokenKind::String })
    }

    fn end_of_string(&self, quote: usize, sign: char, raw: bool) -> Option<usize> {
        let at = |index: usize| self.characters.get(index).copied();
        let triple = |index: usize| (0..3).all(|next| at(index + next) == Some(sign));
        if triple(quote) {
            let mut index = quote + 3;
            while index < self.characters.len() {
                if triple(index) {
                    return Some(index + 3);
                }
                index += if raw { 1 } else { self.step(index)? };
            }
            // Two quotes and a third that begins nothing: an empty string.
            return Some(quote + 2);
        }
        let mut index = quote + 1;
        loop {
            match at(index)? {
                character if character == sign => return Some(index + 1),
                '\n' | '\r' => return None,
                _ => index += if raw { 1 } else { self.step(index)? },
            }
        }
    }

    /// How many characters one character or escape takes; `None` for an escape that cannot be.
    fn step(&self, index: usize) -> Option<usize> {
        let at = |index: usize| self.characters.get(index).copied();
        let all = |from: usize, count: usize, radix: u32| {
            (from..from + count).all(|index| at(index).is_some_and(|digit| digit.is_digit(radix)))
        };
        if at(index)? != '\\' {
            return Some(1);
        }
        match at(index + 1)? {
            'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '"' | '\'' | '\\' | '?' | '`' => Some(2),
            'x' | 'X' if all(index + 2, 2, 16) => Some(4),
            'u' if all(index + 2, 4, 16) => Some(6),
            'U' if all(index + 2, 8, 16) => Some(10),
            '0'..='3' if all(index + 2, 2, 8) => Some(4),
            _ => None,
        }
    }

    /// Where what is no token ends: an unfinished string behind the character that cannot be in it, half of an operator or
    /// escaped identifier behind the character that does not fit, anything else behind itself.
    fn unknown(&self, begin: usize, first: char) -> usize {
        let end = match first {
            '=' | '&' | '|' => begin + 2,
            '`' => {
                let legal = |next: &&char| next.is_ascii_alphanumeric() || "_.-/ ".contains(**next);
                begin + 2 + self.characters.iter().skip(begin + 1).take_while(legal).count()
            }
            _ => self.unfinished_string(begin).unwrap_or(begin + 1),
        };
        end.min(self.characters.len())
    }

    /// Where the part of an unfinished string ends that is told as unknown: behind the character that cannot be.
    fn unfinished_string(&self, begin: usize) -> Option<usize> {
        let sign = self.characters.get(begin).filter(|sign| matches!(sign, '"' | '\''))?;
        let mut index = begin + 1;
        while let Some(character) = self.characters.get(index) {
            if character == sign {
                return None;
            }
            match self.step(index) {
                Some(_) if matches!(character, '\n' | '\r') => return Some(index + 1),
                Some(step) => index += step,
                None => return Some((index + 2).min(self.characters.len())),
            }
        }
        Some(self.characters.len())
    }
}
