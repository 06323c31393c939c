//! URLs as Go parses them: `url("https://example.com/a").getHost()`.

use super::arguments::unfit;
use crate::declaration::{Function, id, member, overload};
use crate::error::Error;
use crate::opaque::Opaque;
use crate::opaque::url::{Url, check_escapes, parse, split_port};
use crate::types::Type;
use crate::value::{Key, Map, Value};

pub(super) fn functions() -> Vec<Function> {
    let url = Type::message("kubernetes.URL");
    let part = |name: &'static str, part: &str, body| {
        Function::new(
            name,
            body,
            vec![member(id(format!("url_get_{part}")), std::slice::from_ref(&url), &Type::String)],
        )
    };
    let query = Type::map(Type::String, Type::list(Type::String));
    vec![
        Function::new(
            "url",
            |args, _| match args {
                [Value::String(text)] => {
                    parse(text).map(|url| Value::opaque(Opaque::Url(url))).map_err(|wrong| {
                        Error::new(format!("URL parse error during conversion from string: {wrong}"))
                    })
                }
                _ => Err(unfit("url", args)),
            },
            vec![overload("string_to_url", &[Type::String], &url)],
        ),
        Function::new(
            "isURL",
            |args, _| match args {
                [Value::String(text)] => Ok(Value::Bool(parse(text).is_ok())),
                _ => Err(unfit("isURL", args)),
            },
            vec![overload("is_url_string", &[Type::String], &Type::Bool)],
        ),
        part("getScheme", "scheme", |args, _| of(args).map(|url| Value::string(url.scheme.as_str()))),
        part("getHost", "host", |args, _| of(args).map(|url| Value::string(url.host.as_str()))),
        part("getHostname", "hostname", |args, _| of(args).map(|url| Value::string(split_port(&url.host).0))),
        part("getPort", "port", |args, _| of(args).map(|url| Value::string(split_port(&url.host).1))),
        part("getEscapedPath", "escaped_path", |args, _| {
            of(args).map(|url| Value::string(url.path.as_str()))
        }),
        Function::new(
            "getQuery",
            |args, _| of(args).map(|url| Value::map(parse_query(&url.query))),
            vec![member("url_get_query", &[url], &query)],
        ),
    ]
}

fn of(args: &[Value]) -> Result<&Url, Error> {
    if let [Value::Opaque(opaque)] = args
        && let Opaque::Url(url) = &**opaque
    {
        return Ok(url);
    }
    Err(unfit("getHost", args))
}

/// The parameters of a query. Parts with a semicolon or a wrong escape are left out, as Go leaves them out.
fn parse_query(query: &str) -> Map {
    let mut parameters: std::collections::BTreeMap<String, Vec<Value>> = std::collections::BTreeMap::new();
    for part in query.split('&').filter(|part| !part.is_empty() && !part.contains(';')) {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        if check_escapes(key).is_err() || check_escapes(value).is_err() {
            continue;
        }
        let decoded = |text: &str| {
            let spaced = text.replace('+', " ");
            percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
        };
        parameters.entry(decoded(key)).or_default().push(Value::string(decoded(value)));
    }
    parameters.into_iter().map(|(key, values)| (Key::String(key.into()), Value::list(values))).collect()
}
