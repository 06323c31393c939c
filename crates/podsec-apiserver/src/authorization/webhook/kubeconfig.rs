//! The kubeconfig that says where the service is, whom to believe, and who asks.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;
use podsec_kinds::object::Fields;
use podsec_transport::HttpsClient;
use serde_json::Value;

use super::client::Client;

/// Why a kubeconfig of an authorization webhook cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read.
    #[error("authorization-webhook-config-file: cannot read {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// The file does not say what is needed.
    #[error("authorization-webhook-config-file {}: {why}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// A client for the current context of a kubeconfig.
///
/// # Errors
/// When it cannot be read, or says too little, or more than this client can do.
pub(super) fn client(path: &Path) -> Result<Client, Error> {
    let text = read(path)?;
    let wrong = |why: String| Error::Content { path: path.to_owned(), why };
    let text = String::from_utf8(text).map_err(|_| wrong("it is not UTF-8".to_owned()))?;
    let config = podsec_yaml::to_json(&text).map_err(|error| wrong(error.to_string()))?;
    let current = config.text("current-context");
    let context = named(config.list("contexts"), current)
        .ok_or_else(|| wrong(format!("current-context {current:?} is not among the contexts")))?
        .at("context");
    let cluster = named(config.list("clusters"), context.text("cluster"))
        .ok_or_else(|| wrong(format!("there is no cluster {:?}", context.text("cluster"))))?
        .at("cluster");
    let nobody = Value::Null;
    let user = match context.text("user") {
        "" => &nobody,
        name => named(config.list("users"), name)
            .ok_or_else(|| wrong(format!("there is no user {name:?}")))?
            .at("user"),
    };
    if cluster.at("insecure-skip-tls-verify") == &Value::Bool(true) {
        return Err(wrong("insecure-skip-tls-verify: name the authority instead".to_owned()));
    }
    for field in ["exec", "auth-provider", "username"] {
        if user.has(field) {
            return Err(wrong(format!(
                "users[].user.{field} is not known here: use a token or a certificate"
            )));
        }
    }
    let server = cluster.text("server");
    let uri = server.parse().ok().filter(|_| server.starts_with("https://"));
    let uri = uri.ok_or_else(|| wrong(format!("server {server:?} is no URL with scheme https")))?;
    let data = |holder: &Value, name: &str| -> Result<Vec<u8>, Error> {
        match (holder.text(&format!("{name}-data")), holder.text(name)) {
            ("", "") => Ok(Vec::new()),
            ("", file) => read(&beside(path, file)),
            (data, _) => STANDARD.decode(data).map_err(|error| wrong(format!("{name}-data: {error}"))),
        }
    };
    let authority = data(cluster, "certificate-authority")?;
    let (certificate, key) = (data(user, "client-certificate")?, data(user, "client-key")?);
    let https = match (certificate.is_empty(), key.is_empty()) {
        (true, true) => HttpsClient::new(&authority, None),
        _ => HttpsClient::with_certificate(&authority, &certificate, &key),
    };
    let token = match (user.text("token"), user.text("tokenFile")) {
        ("", "") => None,
        ("", file) => {
            let token = String::from_utf8(read(&beside(path, file))?);
            Some(token.map_err(|_| wrong("tokenFile is not UTF-8".to_owned()))?.trim().to_owned())
        }
        (token, _) => Some(token.to_owned()),
    };
    let authorization = token.map(|token| {
        let value = HeaderValue::from_str(&format!("Bearer {token}"));
        value.map_err(|_| wrong("the token cannot stand in a header".to_owned()))
    });
    Ok(Client {
        https: https.map_err(|error| wrong(error.to_string()))?,
        uri,
        authorization: authorization.transpose()?,
    })
}

/// The item of this name.
fn named<'a>(list: &'a [Value], name: &str) -> Option<&'a Value> {
    list.iter().find(|item| item.text("name") == name)
}

/// A file that another one names, relative to it.
fn beside(path: &Path, file: &str) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).join(file)
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        match client(file.path()) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_kubeconfig_says_where_and_as_whom() {
        let with = |cluster: &str, user: &str| {
            format!(
                "current-context: c\ncontexts: [{{name: c, context: {{cluster: w, user: u}}}}]\n\
                 clusters: [{{name: w, cluster: {{{cluster}}}}}]\nusers: [{{name: u, user: {{{user}}}}}]\n"
            )
        };
        assert_eq!(refused(&with("server: 'https://authz.example.com/review'", "token: t")), "");
        for (text, why) in [
            (with("server: 'http://authz.example.com'", ""), "no URL with scheme https"),
            (with("server: 'https://x', insecure-skip-tls-verify: true", ""), "name the authority instead"),
            (with("server: 'https://x'", "exec: {}"), "users[].user.exec is not known here"),
            (with("server: 'https://x', certificate-authority: /absent", ""), "cannot read /absent"),
            (
                with("server: 'https://x'", "client-certificate-data: eA==, client-key-data: eA=="),
                "certificate",
            ),
            ("{}".to_owned(), "current-context \"\" is not among the contexts"),
            ("a: [".to_owned(), "authorization-webhook-config-file"),
        ] {
            let refused = refused(&text);
            assert!(refused.contains(why), "{refused}");
        }
    }
}
