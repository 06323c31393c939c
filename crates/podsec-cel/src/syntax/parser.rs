//! CEL's grammar: tokens to a syntax tree, macros expanded on the way.
//!
//! Errors stop at the first that the grammar finds; their words are those of the parser that Kubernetes uses, where a
//! token is missing or too much. Depth is bounded as there, rule by rule, so that no text overflows the stack of what
//! walks the tree later.

use super::ast::{Expr, Id, Kind, Literal, MapEntry, StructField};
use super::lexer;
use super::literal;
use super::macros;
use super::nodes::{Dialect, Nodes};
use super::source::{Errors, Source};
use super::token::{Token, TokenKind};
use crate::identifier::is_reserved;

/// A parsed text: the tree and where each node stands in the text.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) root: Expr,
    /// The offset of each node, by its number.
    pub(crate) offsets: Vec<usize>,
}

/// Parses a text.
pub(crate) fn parse(source: &Source, dialect: Dialect, errors: &mut Errors) -> Option<Parsed> {
    let length = source.characters.len();
    if length > LONGEST {
        let message = format!("expression code point size exceeds limit: size: {length}, limit {LONGEST}");
        errors.add(None, message);
        return None;
    }
    let tokens = lexer::tokens(source, errors);
    let mut parser = Parser { tokens, at: 0, depth: [0; RULES], nodes: Nodes::new(dialect, errors) };
    let root = parser.start().ok()?;
    let offsets = parser.nodes.into_offsets();
    errors.is_empty().then_some(Parsed { root, offsets })
}

/// The longest text, in characters.
const LONGEST: usize = 100_000;
/// How deep one rule of the grammar may stand in itself.
const DEEPEST: usize = 250;
/// The rules that stand in themselves: expression, relation, sum, member.
const RULES: usize = 4;

#[derive(Clone, Copy)]
enum Rule {
    Expression,
    Relation,
    Calculation,
    Member,
}

/// The error has been noted; there is no tree.
struct Stop;

struct Parser<'e> {
    tokens: Vec<Token>,
    at: usize,
    depth: [usize; RULES],
    nodes: Nodes<'e>,
}

impl Parser<'_> {
    fn next(&self) -> &Token {
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    fn ahead(&self, count: usize) -> &Token {
        &self.tokens[(self.at + count).min(self.tokens.len() - 1)]
    }

    fn take(&mut self) -> Token {
        let token = self.next().clone();
        self.at += 1;
        token
    }

    fn accept(&mut self, sign: &str) -> Option<usize> {
        let offset = self.next().offset;
        self.next().is(sign).then(|| {
            self.at += 1;
            offset
        })
    }

    /// Takes a sign. One token too much before it is left out, and a sign that is missing put in, with an error each.
    fn expect(&mut self, sign: &str, expected: &str) -> Result<usize, Stop> {
        if let Some(offset) = self.accept(sign) {
            return Ok(offset);
        }
        let token = self.next().clone();
        if self.ahead(1).is(sign) {
            let message = format!("Syntax error: extraneous input '{}' expecting {expected}", token.shown());
            self.nodes.report(token.offset, message);
            self.at += 1;
            return self.accept(sign).ok_or(Stop);
        }
        let fits = if sign == ":" { token.begins_expression() } else { !token.begins_expression() };
        let ends = token.kind == TokenKind::End && sign == ")";
        if ends || fits && expected == format!("'{sign}'") {
            self.nodes.report(token.offset, format!("Syntax error: missing '{sign}' at '{}'", token.shown()));
            return Ok(token.offset);
        }
        self.unexpected(expected)
    }

    fn unexpected<T>(&mut self, expected: &str) -> Result<T, Stop> {
        let token = self.next();
        let (offset, shown) = (token.offset, token.shown().to_owned());
        let message = format!("Syntax error: mismatched input '{shown}' expecting {expected}");
        self.nodes.report(offset, message);
        Err(Stop)
    }

    fn enter(&mut self, rule: Rule) -> Result<(), Stop> {
        let depth = &mut self.depth[rule as usize];
        *depth += 1;
        if *depth > DEEPEST {
            self.nodes
                .errors
                .add(None, format!("Internal error: expression recursion limit exceeded: {DEEPEST}"));
            return Err(Stop);
        }
        Ok(())
    }

    fn leave(&mut self, rule: Rule, times: usize) {
        self.depth[rule as usize] -= times;
    }

    fn start(&mut self) -> Result<Expr, Stop> {
        let root = self.expression()?;
        let token = self.next().clone();
        if token.kind == TokenKind::End {
            return Ok(root);
        }
        // One token too much can be left out; before more of them, an operator is missing.
        let message = if self.ahead(1).kind == TokenKind::End {
            format!("Syntax error: extraneous input '{}' expecting <EOF>", token.shown())
        } else {
            format!("Syntax error: mismatched input '{}' expecting <EOF>", token.shown())
        };
        self.nodes.report(token.offset, message);
        Err(Stop)
    }

    fn expression(&mut self) -> Result<Expr, Stop> {
        self.enter(Rule::Expression)?;
        let condition = self.logical("||", "_||_", Self::conjunction)?;
        let expression = if let Some(offset) = self.accept("?") {
            let id = self.nodes.id(offset);
            let yes = self.logical("||", "_||_", Self::conjunction)?;
            self.expect(":", "':'")?;
            let no = self.expression()?;
            call(id, "_?_:_", vec![condition, yes, no])
        } else {
            condition
        };
        self.leave(Rule::Expression, 1);
        Ok(expression)
    }

    fn conjunction(&mut self) -> Result<Expr, Stop> {
        self.logical("&&", "_&&_", Self::relation)
    }

    /// Terms joined by `&&` or `||`, as a balanced tree: any number of them, and never deep.
    fn logical(
        &mut self,
        sign: &str,
        function: &str,
        term: fn(&mut Self) -> Result<Expr, Stop>,
    ) -> Result<Expr, Stop> {
        let mut terms = vec![term(self)?];
        let mut operators = Vec::new();
        while let Some(offset) = self.accept(sign) {
            terms.push(term(self)?);
            operators.push(self.nodes.id(offset));
        }
        let mut terms: Vec<Option<Expr>> = terms.into_iter().map(Some).collect();
        Ok(balance(&mut terms, &operators, function))
    }

    fn relation(&mut self) -> Result<Expr, Stop> {
        self.enter(Rule::Relation)?;
        let mut left = self.calculation(0)?;
        let mut entered = 1;
        while let Some((function, offset)) = self.operator(RELATIONS) {
            self.enter(Rule::Relation)?;
            entered += 1;
            let id = self.nodes.id(offset);
            let right = self.calculation(0)?;
            left = call(id, function, vec![left, right]);
        }
        self.leave(Rule::Relation, entered);
        Ok(left)
    }

    /// Sums of products of unary expressions; level 0 is the sum.
    fn calculation(&mut self, level: usize) -> Result<Expr, Stop> {
        let Some(operators) = CALCULATIONS.get(level) else { return self.unary() };
        self.enter(Rule::Calculation)?;
        let mut left = self.calculation(level + 1)?;
        let mut entered = 1;
        while let Some((function, offset)) = self.operator(operators) {
            self.enter(Rule::Calculation)?;
            entered += 1;
            let id = self.nodes.id(offset);
            let right = self.calculation(level + 1)?;
            left = call(id, function, vec![left, right]);
        }
        self.leave(Rule::Calculation, entered);
        Ok(left)
    }

    fn operator(&mut self, operators: &[(&'static str, &'static str)]) -> Option<(&'static str, usize)> {
        let (sign, function) = operators.iter().find(|(sign, _)| self.next().is(sign))?;
        let offset = self.accept(sign)?;
        Some((function, offset))
    }

    fn unary(&mut self) -> Result<Expr, Stop> {
        let number = |token: &Token| matches!(token.kind, TokenKind::Int | TokenKind::Float);
        for (sign, function) in [("!", "!_"), ("-", "-_")] {
            if !self.next().is(sign) || (sign == "-" && number(self.ahead(1))) {
                continue;
            }
            let offset = self.next().offset;
            let mut count = 0;
            while self.accept(sign).is_some() {
                count += 1;
            }
            if count % 2 == 0 {
                return self.member();
            }
            let id = self.nodes.id(offset);
            let operand = self.member()?;
            return Ok(call(id, function, vec![operand]));
        }
        self.member()
    }

    fn member(&mut self) -> Result<Expr, Stop> {
        self.enter(Rule::Member)?;
        let mut member = self.primary()?;
        let mut entered = 1;
        loop {
            if let Some(dot) = self.accept(".") {
                member = self.select(member, dot)?;
            } else if let Some(bracket) = self.accept("[") {
                let optional = self.accept("?").is_some();
                if !optional {
                    self.begin_index()?;
                }
                let id = self.nodes.id(bracket);
                let index = self.expression()?;
                self.expect("]", "']'")?;
                member = call(id, if optional { "_[?_]" } else { "_[_]" }, vec![member, index]);
            } else {
                break;
            }
            self.enter(Rule::Member)?;
            entered += 1;
        }
        self.leave(Rule::Member, entered);
        Ok(member)
    }

    fn select(&mut self, operand: Expr, dot: usize) -> Result<Expr, Stop> {
        let optional = self.accept("?").is_some();
        let name = self.next().clone();
        if !matches!(name.kind, TokenKind::Ident | TokenKind::EscapedIdent) {
            if name.kind == TokenKind::End || !["true", "false", "null"].contains(&name.text.as_str()) {
                let shown = if name.kind == TokenKind::End { "" } else { name.text.as_str() };
                self.nodes.report(
                    name.offset.min(dot + 1),
                    format!("Syntax error: no viable alternative at input '.{shown}'"),
                );
            } else {
                let message = format!("Syntax error: mismatched input '{}' expecting IDENTIFIER", name.text);
                self.nodes.report(name.offset, message);
            }
            return Err(Stop);
        }
        self.at += 1;
        if name.kind == TokenKind::EscapedIdent {
            self.nodes.report(name.offset, "unsupported syntax: '`'");
        }
        if optional {
            let id = self.nodes.id(dot);
            let field = self.nodes.node(name.offset, Kind::Literal(Literal::String(name.text)));
            return Ok(call(id, "_?._", vec![operand, field]));
        }
        if let Some(open) = self.accept("(") {
            let id = self.nodes.id(open);
            let args = self.arguments()?;
            return Ok(macros::expand_or_call(&mut self.nodes, id, &name.text, Some(operand), args));
        }
        Ok(self.nodes.node(dot, Kind::Select { operand: Box::new(operand), field: name.text, test: false }))
    }

    /// The arguments of a call, the closing bracket included.
    fn arguments(&mut self) -> Result<Vec<Expr>, Stop> {
        self.begin_arguments()?;
        let mut args = Vec::new();
        if self.accept(")").is_some() {
            return Ok(args);
        }
        loop {
            args.push(self.expression()?);
            if self.accept(",").is_none() {
                self.expect(")", "{')', ','}")?;
                return Ok(args);
            }
        }
    }

    fn primary(&mut self) -> Result<Expr, Stop> {
        let token = self.next().clone();
        match token.kind {
            TokenKind::Ident => self.named(""),
            TokenKind::Int | TokenKind::Uint | TokenKind::Float | TokenKind::String | TokenKind::Bytes => {
                self.at += 1;
                Ok(self.literal(&token, "", token.offset))
            }
            TokenKind::Sign => match token.text.as_str() {
                "." if self.ahead(1).kind == TokenKind::Ident => {
                    self.at += 1;
                    self.named(".")
                }
                "-" => {
                    self.at += 1;
                    let number = self.take();
                    Ok(self.literal(&number, "-", token.offset))
                }
                "(" => {
                    self.at += 1;
                    let inner = self.expression()?;
                    self.expect(")", "')'")?;
                    Ok(inner)
                }
                "[" => self.list(),
                "{" => self.map(),
                "true" | "false" | "null" => {
                    self.at += 1;
                    let literal = if token.text == "null" {
                        Literal::Null
                    } else {
                        Literal::Bool(token.text == "true")
                    };
                    Ok(self.nodes.node(token.offset, Kind::Literal(literal)))
                }
                _ => self.no_expression(&token),
            },
            TokenKind::EscapedIdent | TokenKind::End => self.no_expression(&token),
        }
    }

    /// What stands where an expression should begin; it is left out when one follows.
    fn no_expression(&mut self, token: &Token) -> Result<Expr, Stop> {
        if token.kind != TokenKind::End && self.ahead(1).begins_expression() {
            let message =
                format!("Syntax error: extraneous input '{}' expecting {EXPRESSION}", token.shown());
            self.nodes.report(token.offset, message);
            self.at += 1;
            // Any number of tokens may be too much.
            self.enter(Rule::Member)?;
            let primary = self.primary();
            self.leave(Rule::Member, 1);
            return primary;
        }
        self.unexpected(EXPRESSION)
    }

    /// Before the first argument of a call: one token too much is left out.
    fn begin_arguments(&mut self) -> Result<(), Stop> {
        let token = self.next().clone();
        if token.begins_expression() || token.is(")") {
            return Ok(());
        }
        let expected = EXPRESSION.replace("'(', ", "'(', ')', ");
        let next = self.ahead(1);
        if token.kind == TokenKind::End || !(next.is(")") || next.begins_expression()) {
            return self.unexpected(&expected);
        }
        let message = format!("Syntax error: extraneous input '{}' expecting {expected}", token.shown());
        self.nodes.report(token.offset, message);
        self.at += 1;
        Ok(())
    }

    /// Before the index of a list or map, which may be optional.
    fn begin_index(&mut self) -> Result<(), Stop> {
        let token = self.next();
        if token.begins_expression() || token.kind != TokenKind::End && self.ahead(1).begins_expression() {
            return Ok(());
        }
        self.unexpected(&EXPRESSION.replace("'!', ", "'!', '?', "))
    }

    fn literal(&mut self, token: &Token, sign: &str, offset: usize) -> Expr {
        let literal = literal::value(token, sign).unwrap_or_else(|wrong| {
            self.nodes.report(offset, wrong);
            Literal::Null
        });
        self.nodes.node(offset, Kind::Literal(literal))
    }

    /// An identifier, a call of a function without target, or a message.
    fn named(&mut self, dot: &str) -> Result<Expr, Stop> {
        if let Some(name) = self.message_name() {
            return self.message(format!("{dot}{name}"));
        }
        let begin = self.next().offset - dot.len();
        let token = self.take();
        if is_reserved(&token.text) {
            self.nodes.report(begin, format!("reserved identifier: {}", token.text));
        }
        let name = format!("{dot}{}", token.text);
        if let Some(open) = self.accept("(") {
            let id = self.nodes.id(open);
            let args = self.arguments()?;
            return Ok(macros::expand_or_call(&mut self.nodes, id, &name, None, args));
        }
        Ok(self.nodes.node(token.offset, Kind::Ident(name)))
    }

    /// `a.b.c`, passed over, when a `{` follows it.
    fn message_name(&mut self) -> Option<String> {
        let mut name = String::new();
        let mut ahead = 0;
        loop {
            let token = self.ahead(ahead);
            if token.kind != TokenKind::Ident {
                return None;
            }
            name.push_str(&token.text);
            ahead += 1;
            if self.ahead(ahead).is("{") {
                self.at += ahead;
                return Some(name);
            }
            if !self.ahead(ahead).is(".") {
                return None;
            }
            name.push('.');
            ahead += 1;
        }
    }

    fn message(&mut self, name: String) -> Result<Expr, Stop> {
        let open = self.take().offset;
        let id = self.nodes.id(open);
        let mut fields = Vec::new();
        while self.accept("}").is_none() {
            let comma = self.accept(",");
            if comma.is_some() {
                self.expect("}", "'}'")?;
                break;
            }
            loop {
                let optional = self.accept("?").is_some();
                let field = self.next().clone();
                if !matches!(field.kind, TokenKind::Ident | TokenKind::EscapedIdent) {
                    return self.unexpected("{'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}");
                }
                self.at += 1;
                if field.kind == TokenKind::EscapedIdent {
                    self.nodes.report(open + 1, "unsupported syntax: '`'");
                }
                let colon = self.expect(":", "':'")?;
                let id = self.nodes.id(colon);
                let value = self.expression()?;
                fields.push(StructField { id, name: field.text, value, optional });
                if self.accept(",").is_none() || self.next().is("}") {
                    break;
                }
            }
            if !self.next().is("}") {
                return self.unexpected("{'}', ','}");
            }
        }
        Ok(Expr { id, kind: Kind::Struct { name, fields } })
    }

    fn list(&mut self) -> Result<Expr, Stop> {
        let open = self.take().offset;
        let id = self.nodes.id(open);
        let mut elements = Vec::new();
        self.separated("]", |parser| {
            let optional = parser.accept("?").is_some();
            let element = parser.expression()?;
            elements.push((element, optional));
            Ok(())
        })?;
        Ok(Expr { id, kind: Kind::List(elements) })
    }

    fn map(&mut self) -> Result<Expr, Stop> {
        let open = self.take().offset;
        let id = self.nodes.id(open);
        let mut entries = Vec::new();
        self.separated("}", |parser| {
            let optional = parser.accept("?").is_some();
            let key = parser.expression()?;
            let colon = parser.expect(":", "':'")?;
            parser.nodes.id(colon);
            let value = parser.expression()?;
            entries.push(MapEntry { key, value, optional });
            Ok(())
        })?;
        Ok(Expr { id, kind: Kind::Map(entries) })
    }

    /// Parts between commas, of which the last may be followed by one, up to `close`.
    fn separated(
        &mut self,
        close: &str,
        mut part: impl FnMut(&mut Self) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        if self.next().is(",") && self.ahead(1).is(close) {
            self.at += 1;
        }
        while self.accept(close).is_none() {
            part(self)?;
            if self.accept(",").is_none() && !self.next().is(close) {
                return self.unexpected(&format!("{{'{close}', ','}}"));
            }
        }
        Ok(())
    }
}

fn call(id: Id, function: &str, args: Vec<Expr>) -> Expr {
    Expr { id, kind: Kind::Call { function: function.to_owned(), target: None, args } }
}

/// Joins `terms`, one more than `operators`, into a tree of the least depth.
///
/// Five terms `a b c d e` become `((a b) c) (d e)`: the operator in the middle, behind the third, is the root.
fn balance(terms: &mut [Option<Expr>], operators: &[Id], function: &str) -> Expr {
    let Some(middle) = operators.len().checked_sub(1).map(|last| last.div_ceil(2)) else {
        return terms.first_mut().and_then(Option::take).expect("there is one more term than operators");
    };
    let (left, right) = terms.split_at_mut(middle + 1);
    let left = balance(left, &operators[..middle], function);
    let right = balance(right, &operators[middle + 1..], function);
    call(operators[middle], function, vec![left, right])
}

/// What can begin an expression, as an error lists it.
const EXPRESSION: &str = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, \
                          STRING, BYTES, IDENTIFIER}";

const RELATIONS: &[(&str, &str)] = &[
    ("<", "_<_"),
    ("<=", "_<=_"),
    (">=", "_>=_"),
    (">", "_>_"),
    ("==", "_==_"),
    ("!=", "_!=_"),
    ("in", "@in"),
];

const CALCULATIONS: &[&[(&str, &str)]] =
    &[&[("+", "_+_"), ("-", "_-_")], &[("*", "_*_"), ("/", "_/_"), ("%", "_%_")]];
