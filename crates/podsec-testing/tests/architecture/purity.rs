//! Pure crates read no clock, socket, file or environment.

use crate::tokens::{Token, tokens};
use crate::workspace::rust_files;

/// Crates that read no clock, socket, file or environment.
const PURE: [&str; 9] = [
    "podsec-admission",
    "podsec-apimachinery",
    "podsec-cel",
    "podsec-go",
    "podsec-kinds",
    "podsec-policy",
    "podsec-rbac",
    "podsec-standards",
    "podsec-yaml",
];

const OUTSIDE: [&str; 7] = ["env", "fs", "net", "process", "thread", "Instant", "SystemTime"];

#[test]
fn pure_crates_read_no_clock_socket_file_or_environment() {
    let mut wrong = Vec::new();
    for package in PURE {
        for (path, text) in rust_files(&format!("crates/{package}/src")) {
            // Tests may read files.
            let is_test =
                path.ends_with("/tests.rs") || path.ends_with("/recorded.rs") || path.contains("/tests/");
            if !is_test {
                let program = text.split("#[cfg(test)]\n").next().unwrap_or_default();
                wrong.extend(outside(program).into_iter().map(|name| format!("{path} names {name}")));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What a program takes of the world outside: `std::fs`, `std::{io, fmt}`, `Timestamp::now`.
fn outside(program: &str) -> Vec<String> {
    let tokens = tokens(program);
    let mut found = Vec::new();
    let mut in_std = false;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Word("std") => in_std = true,
            Token::Punctuation(';' | '(' | ')' | '=' | '>') => in_std = false,
            Token::Word(name) if in_std && OUTSIDE.contains(name) && *name != "net" => {
                found.push((*name).to_owned());
            }
            Token::Word("net") if in_std => {
                // An address is no connection.
                let rest = &tokens[at..tokens.len().min(at + 12)];
                if rest.iter().any(|token| matches!(token, Token::Word(name) if name.ends_with("Stream") || name.ends_with("Listener") || name.ends_with("Socket"))) {
                    found.push("net".to_owned());
                }
            }
            Token::Word(name @ ("now" | "stdin" | "stdout" | "stderr"))
                if at > 0 && tokens[at - 1] == Token::PathSeparator =>
            {
                found.push((*name).to_owned());
            }
            _ => {}
        }
    }
    found
}

#[test]
fn what_is_outside_is_found_and_an_address_is_not() {
    assert_eq!(outside("use std::{fmt, fs};"), ["fs"]);
    assert_eq!(outside("let t = Timestamp::now();"), ["now"]);
    assert_eq!(outside("use std::net::TcpStream;"), ["net"]);
    assert_eq!(outside("std::io::stdin().lines()"), ["stdin"]);
    assert!(outside("use std::net::{IpAddr, Ipv4Addr}; use std::fmt; fn f(io: u8) {}").is_empty());
}
