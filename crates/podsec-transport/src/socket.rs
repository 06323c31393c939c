//! A socket that reads ahead, once its client sends much.
//!
//! TLS asks for one record at a time, which would make each request a system call of its own.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// A socket with what was read ahead of it.
pub(crate) struct Socket<S> {
    stream: S,
    ahead: Vec<u8>,
    /// How much of it was asked for since.
    taken: usize,
}

impl<S> Socket<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, ahead: Vec::new(), taken: 0 }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Socket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { stream, ahead, taken } = &mut *self;
        if *taken == ahead.len() {
            // Clients that send little, which are most, never need the room.
            if ahead.capacity() == 0 {
                ready!(Pin::new(stream).poll_read(context, buffer))?;
                if buffer.remaining() == 0 {
                    ahead.reserve_exact(AHEAD);
                }
                return Poll::Ready(Ok(()));
            }
            ahead.clear();
            *taken = 0;
            ready!(pin!(stream.read_buf(ahead)).poll(context))?;
        }
        let rest = ahead.get(*taken..).unwrap_or_default();
        let next = rest.get(..buffer.remaining()).unwrap_or(rest);
        buffer.put_slice(next);
        *taken += next.len();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// How much is read at once at most: some usual reviews.
const AHEAD: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::runtime::Builder;

    use super::*;

    proptest! {
        #[test]
        fn what_is_read_is_what_was_sent(
            lengths in prop::collection::vec(0..3 * AHEAD, 0..4),
            steps in prop::collection::vec(1..8 * 1024_usize, 1..5),
            pipe in 1..2 * AHEAD,
        ) {
            let sent: Vec<u8> = (0..=250).cycle().take(lengths.iter().sum()).collect();
            let (mut client, server) = tokio::io::duplex(pipe);
            let runtime = Builder::new_current_thread().build().expect("a runtime");
            let read = runtime.block_on(async {
                let bytes = sent.clone();
                tokio::spawn(async move {
                    let mut rest = bytes.as_slice();
                    for length in lengths {
                        let (now, later) = rest.split_at(length);
                        tokio::io::AsyncWriteExt::write_all(&mut client, now).await.unwrap();
                        rest = later;
                    }
                });
                let mut socket = Socket::new(server);
                let mut read = Vec::new();
                let mut room = vec![0; 8 * 1024];
                for step in steps.iter().cycle() {
                    let length = socket.read(&mut room[..*step]).await.unwrap();
                    if length == 0 {
                        break;
                    }
                    read.extend_from_slice(&room[..length]);
                }
                read
            });
            prop_assert!(read == sent, "{} bytes of {} or others", read.len(), sent.len());
        }
    }
}
