//! The kubeconfig that makes kubectl talk to this server.

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::tls::{Identity, write_private};

/// What a client needs to reach the server as its administrator.
pub(crate) struct Kubeconfig<'a> {
    /// Where the server listens.
    pub address: SocketAddr,
    /// The authority that signed the server's certificate, PEM.
    pub authority_pem: &'a str,
    /// The administrator's client certificate.
    pub identity: &'a Identity,
    /// The administrator's bearer token.
    pub token: &'a str,
}

impl Kubeconfig<'_> {
    /// Writes the file for its owner alone, replacing what was there in one step.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        write_private(path, self.render().as_bytes())
    }

    /// The file's text. Nothing in it needs quoting: names of our own, base64 and hexadecimal digits.
    fn render(&self) -> String {
        let (server, token) = (reachable(self.address), self.token);
        let authority = STANDARD.encode(self.authority_pem);
        let certificate = STANDARD.encode(&self.identity.certificate_pem);
        let key = STANDARD.encode(&self.identity.key_pem);
        format!(
            "apiVersion: v1\n\
             kind: Config\n\
             clusters:\n\
             - name: podsec\n  \
               cluster:\n    \
                 server: https://{server}\n    \
                 certificate-authority-data: {authority}\n\
             users:\n\
             - name: podsec\n  \
               user:\n    \
                 client-certificate-data: {certificate}\n    \
                 client-key-data: {key}\n    \
                 token: {token}\n\
             contexts:\n\
             - name: podsec\n  \
               context:\n    \
                 cluster: podsec\n    \
                 user: podsec\n\
             current-context: podsec\n"
        )
    }
}

/// An address a client can dial: the unspecified one is reached over loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        std::net::IpAddr::V4(ip) if ip.is_unspecified() => std::net::Ipv4Addr::LOCALHOST.into(),
        std::net::IpAddr::V6(ip) if ip.is_unspecified() => std::net::Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_every_address_is_dialled_over_loopback() {
        assert_eq!(reachable("0.0.0.0:6443".parse().unwrap()).to_string(), "127.0.0.1:6443");
        assert_eq!(reachable("[::]:6443".parse().unwrap()).to_string(), "[::1]:6443");
        assert_eq!(reachable("10.0.0.1:6443".parse().unwrap()).to_string(), "10.0.0.1:6443");
    }
}
