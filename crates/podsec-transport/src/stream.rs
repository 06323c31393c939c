//! The bytes of one connection, lent to HTTP: they come back when HTTP is done with them.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

use crate::handler::Refusal;

/// A stream that is given back when it is dropped.
///
/// hyper answers an HTTP/1.1 request that it cannot read by itself, always with an empty body, and then closes the
/// connection. Where that is because of a target over 65,534 bytes, the refusal is sent in its place:
///
/// ```text
/// hyper writes   HTTP/1.1 414 URI Too Long | connection: close | content-length: 0 | date: …
/// is sent        HTTP/1.1 414 URI Too Long | connection: close | content-length: 97 | … | {"kind":"Status",…
/// ```
pub(crate) struct Lent<S> {
    stream: Option<S>,
    back: Option<oneshot::Sender<S>>,
    /// None for HTTP/2, which writes no such thing.
    uri_too_long: Option<Refusal>,
    /// What is sent in the place of hyper's own answer.
    instead: Vec<u8>,
}

/// Where the stream comes back.
pub(crate) struct Returned<S>(oneshot::Receiver<S>);

/// Lends a stream.
pub(crate) fn lent<S>(stream: S, uri_too_long: Option<Refusal>) -> (Lent<S>, Returned<S>) {
    let (back, returned) = oneshot::channel();
    let lent = Lent { stream: Some(stream), back: Some(back), uri_too_long, instead: Vec::new() };
    (lent, Returned(returned))
}

impl<S: AsyncRead + Unpin> Returned<S> {
    /// Reads on until the client has nothing more to say, and forgets it.
    pub(crate) async fn discard(&mut self) {
        let Ok(mut stream) = (&mut self.0).await else { return };
        let mut forgotten = [0; 4096];
        while stream.read(&mut forgotten).await.is_ok_and(|length| length > 0) {}
    }
}

impl<S> Drop for Lent<S> {
    fn drop(&mut self) {
        if let (Some(stream), Some(back)) = (self.stream.take(), self.back.take()) {
            // Nobody may want it.
            let _ = back.send(stream);
        }
    }
}

impl<S: AsyncWrite + Unpin> Lent<S> {
    fn stream(&mut self) -> Pin<&mut S> {
        Pin::new(self.stream.as_mut().expect("it is given back only when this is dropped"))
    }

    fn poll_instead(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.instead.is_empty() {
            let instead = std::mem::take(&mut self.instead);
            let written = self.stream().poll_write(context, &instead);
            self.instead = instead;
            let written = ready!(written)?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.instead.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S> Lent<S> {
    /// Where hyper's answer to a target that is too long begins, and what to say instead.
    fn refusal_in(&self, bytes: &[u8]) -> Option<(usize, Refusal)> {
        Some((refusal_at(bytes)?, self.uri_too_long?))
    }
}

fn refusal_at(bytes: &[u8]) -> Option<usize> {
    // It is the last of what is written, and shorter than that.
    let from = bytes.len().saturating_sub(200);
    let tail = bytes.get(from..).filter(|tail| tail.ends_with(b"\r\n\r\n"))?;
    tail.windows(OWN_ANSWER.len()).position(|window| window == OWN_ANSWER).map(|at| from + at)
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Lent<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream().poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Lent<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.refusal_in(bytes) {
            None => self.stream().poll_write(context, bytes),
            Some((0, Refusal { content_type, body })) => {
                self.instead = format!(
                    "HTTP/1.1 414 URI Too Long\r\nconnection: close\r\ncontent-type: {content_type}\r\n\
                     content-length: {}\r\n\r\n{body}",
                    body.len()
                )
                .into_bytes();
                Poll::Ready(Ok(bytes.len()))
            }
            // What was answered before; hyper comes back with the rest.
            Some((at, _)) => self.stream().poll_write(context, bytes.get(..at).unwrap_or(bytes)),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Some(with) = slices.iter().position(|slice| self.refusal_in(slice).is_some()) else {
            return self.stream().poll_write_vectored(context, slices);
        };
        match slices.split_at(with) {
            ([], [refusal, ..]) => self.poll_write(context, refusal),
            (before, _) => self.stream().poll_write_vectored(context, before),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(context))?;
        self.stream().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(context))?;
        self.stream().poll_shutdown(context)
    }
}

/// How hyper's answer begins.
const OWN_ANSWER: &[u8] = b"HTTP/1.1 414 URI Too Long\r\nconnection: close\r\ncontent-length: 0\r\n";

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::runtime::Builder;

    use super::*;

    const REFUSAL: Refusal = Refusal { content_type: "text/plain", body: "too long\n" };

    fn block_on<F: Future>(future: F) -> F::Output {
        Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(future)
    }

    #[test]
    fn what_comes_after_the_end_is_read_until_the_client_ends_too() {
        block_on(async {
            let (mut client, server) = tokio::io::duplex(1024);
            let (mut stream, mut returned) = lent(server, Some(REFUSAL));
            stream.write_all(b"the last answer").await.unwrap();
            stream.shutdown().await.unwrap();
            drop(stream);
            let asking = async {
                client.write_all(&vec![b'?'; 64 * 1024]).await.unwrap();
                let mut told = Vec::new();
                client.read_to_end(&mut told).await.unwrap();
                drop(client);
                told
            };
            let (told, ()) = tokio::join!(asking, returned.discard());
            assert_eq!(told, b"the last answer");
        });
    }

    #[test]
    fn an_empty_refusal_gets_a_body_and_whatever_came_before_it_stays() {
        let own = [OWN_ANSWER, b"date: Mon, 30 Nov 2026 20:54:20 GMT\r\n\r\n"].concat();
        for before in [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"] {
            let sent = block_on(async {
                let (mut client, server) = tokio::io::duplex(16);
                let sending = async {
                    let (mut stream, _) = lent(server, Some(REFUSAL));
                    stream.write_all(&[before, &own].concat()).await.unwrap();
                    stream.flush().await.unwrap();
                };
                let mut sent = Vec::new();
                tokio::join!(sending, async { client.read_to_end(&mut sent).await.unwrap() });
                String::from_utf8(sent).unwrap()
            });
            let (before, rest) = sent.split_at(before.len());
            assert!(before.is_empty() || before.ends_with("ok"), "{sent}");
            assert!(rest.starts_with("HTTP/1.1 414 "), "{sent}");
            assert!(rest.ends_with("\r\ncontent-length: 9\r\n\r\ntoo long\n"), "{sent}");
        }
    }
}
