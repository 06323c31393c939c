//! The bytes of one connection, sent together once what was read in a turn is answered.
//!
//! HTTP flushes after each frame that is not tiny, which would make each answer a TLS record and a system call of its
//! own.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream whose writes can be gathered; its other end is an [`Outlet`].
pub(crate) struct Stream<S>(Arc<Mutex<Gathered<S>>>);

/// Sends what a [`Stream`] has gathered.
pub(crate) struct Outlet<S>(Arc<Mutex<Gathered<S>>>);

/// What is written to a stream, and the stream.
struct Gathered<S> {
    stream: S,
    unsent: Vec<u8>,
    sent: usize,
    /// Whether someone is going to send what is gathered, so that a flush need not.
    gathering: bool,
    /// How much was read in this turn.
    read: usize,
}

/// A gathering stream, and what sends.
pub(crate) fn gathering<S>(stream: S) -> (Stream<S>, Outlet<S>) {
    let gathered = Gathered { stream, unsent: Vec::new(), sent: 0, gathering: false, read: 0 };
    let gathered = Arc::new(Mutex::new(gathered));
    (Stream(Arc::clone(&gathered)), Outlet(gathered))
}

impl<S: AsyncWrite + Unpin> Outlet<S> {
    /// Begins a turn: what is written from now on is kept until it is [sent](Outlet::poll_send), and only so much is
    /// read.
    pub(crate) fn gather(&self) {
        let mut gathered = self.gathered();
        gathered.gathering = true;
        gathered.read = 0;
    }

    /// Whether there may be more to read than this turn could have.
    pub(crate) fn is_cut_short(&self) -> bool {
        self.gathered().read >= TURN
    }

    /// Sends what is gathered. From now on a flush is one.
    pub(crate) fn poll_send(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut gathered = self.gathered();
        gathered.gathering = false;
        gathered.poll_flush(context)
    }

    /// Reads on until the client has nothing more to say, and forgets it.
    ///
    /// A socket that is closed with something unread breaks the connection off: a client that is about to send could
    /// then lose what it was told before.
    pub(crate) async fn discard(&self)
    where
        S: AsyncRead,
    {
        let mut forgotten = [0; 4096];
        poll_fn(|context| {
            loop {
                let mut buffer = ReadBuf::new(&mut forgotten);
                match ready!(Pin::new(&mut self.gathered().stream).poll_read(context, &mut buffer)) {
                    Ok(()) if !buffer.filled().is_empty() => {}
                    _ => return Poll::Ready(()),
                }
            }
        })
        .await;
    }

    fn gathered(&self) -> MutexGuard<'_, Gathered<S>> {
        // Only one task ever looks, and what it leaves behind in a panic is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Stream<S> {
    fn gathered(&self) -> MutexGuard<'_, Gathered<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: AsyncWrite + Unpin> Gathered<S> {
    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(unsent) = self.unsent.get(self.sent..).filter(|unsent| !unsent.is_empty()) {
            let sent = ready!(Pin::new(&mut self.stream).poll_write(context, unsent))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += sent;
        }
        self.sent = 0;
        self.unsent.clear();
        self.unsent.shrink_to(KEPT);
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_write(&mut self, context: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let length = slices.iter().map(|slice| slice.len()).sum();
        if self.unsent.len() + length > GATHERED {
            ready!(self.poll_drain(context))?;
        }
        if length > GATHERED {
            return Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        }
        for slice in slices {
            self.unsent.extend_from_slice(slice);
        }
        Poll::Ready(Ok(length))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut gathered = self.gathered();
        if gathered.gathering && gathered.read >= TURN {
            // Whoever gathers comes back for the rest.
            return Poll::Pending;
        }
        let filled = buffer.filled().len();
        ready!(Pin::new(&mut gathered.stream).poll_read(context, buffer))?;
        gathered.read += buffer.filled().len() - filled;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.gathered().poll_write(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.gathered().poll_write(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut gathered = self.gathered();
        if gathered.gathering { Poll::Ready(Ok(())) } else { gathered.poll_flush(context) }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut gathered = self.gathered();
        ready!(gathered.poll_drain(context))?;
        Pin::new(&mut gathered.stream).poll_shutdown(context)
    }
}

/// How much is gathered before it is sent anyway: four TLS records, which leave in one system call.
const GATHERED: usize = 64 * 1024;

/// How much is read before it is answered and the answers are sent: what is still in the processor's cache is answered
/// faster, what is answered needs no memory, and a client that has its answers asks for more meanwhile.
const TURN: usize = 64 * 1024;

/// How much room a connection keeps for the next time: most batches of answers fit.
const KEPT: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::runtime::Builder;

    use super::*;

    /// Notes each write, and takes some bytes of it.
    struct Recorder {
        writes: Vec<Vec<u8>>,
        takes: usize,
        /// Whether it has to be asked twice each time.
        hesitates: bool,
        asked: bool,
    }

    impl Recorder {
        fn taking(takes: usize, hesitates: bool) -> Self {
            Self { writes: Vec::new(), takes, hesitates, asked: false }
        }
    }

    impl AsyncWrite for Recorder {
        fn poll_write(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.asked = !self.asked;
            if self.hesitates && self.asked {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            let taken = &bytes[..bytes.len().min(self.takes)];
            self.writes.push(taken.to_vec());
            Poll::Ready(Ok(taken.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        Builder::new_current_thread().build().expect("a runtime").block_on(future)
    }

    #[test]
    fn what_is_flushed_while_gathering_is_one_write_in_the_end() {
        let (mut stream, outlet) = gathering(Recorder::taking(usize::MAX, false));
        outlet.gather();
        block_on(async {
            for bytes in [&b"HEADERS"[..], b"DATA", b"HEADERS"] {
                stream.write_all(bytes).await.unwrap();
                stream.flush().await.unwrap();
            }
            assert!(outlet.gathered().stream.writes.is_empty());
            poll_fn(|context| outlet.poll_send(context)).await.unwrap();
            assert_eq!(outlet.gathered().stream.writes, [b"HEADERSDATAHEADERS"]);
            // Nobody gathers any more, as after an upgrade.
            stream.write_all(b"more").await.unwrap();
            stream.flush().await.unwrap();
            assert_eq!(outlet.gathered().stream.writes.len(), 2);
        });
    }

    #[test]
    fn no_more_is_gathered_than_the_limit() {
        let (mut stream, outlet) = gathering(Recorder::taking(usize::MAX, false));
        outlet.gather();
        block_on(async {
            for _ in 0..10 {
                stream.write_all(&vec![b' '; GATHERED / 2]).await.unwrap();
                assert!(outlet.gathered().unsent.len() <= GATHERED);
            }
            stream.write_all(&vec![b' '; 3 * GATHERED]).await.unwrap();
            assert!(outlet.gathered().unsent.len() <= GATHERED);
            poll_fn(|context| outlet.poll_send(context)).await.unwrap();
        });
        let gathered = outlet.gathered();
        assert_eq!(gathered.stream.writes.concat().len(), 8 * GATHERED);
        assert!(gathered.unsent.capacity() <= KEPT);
    }

    #[test]
    fn what_comes_after_the_end_is_read_until_the_client_ends_too() {
        block_on(async {
            let (mut client, server) = tokio::io::duplex(1024);
            let (mut stream, outlet) = gathering(server);
            stream.write_all(b"the last answer").await.unwrap();
            stream.shutdown().await.unwrap();
            let asking = async {
                client.write_all(&vec![b'?'; 64 * 1024]).await.unwrap();
                let mut told = Vec::new();
                client.read_to_end(&mut told).await.unwrap();
                drop(client);
                told
            };
            let (told, ()) = tokio::join!(asking, outlet.discard());
            assert_eq!(told, b"the last answer");
        });
    }

    proptest! {
        #[test]
        fn what_is_written_arrives_whole_however_it_is_cut(
            writes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..8),
            turns in prop::collection::vec(0..4, 8),
            takes in 1_usize..100,
            hesitates: bool,
        ) {
            let (mut stream, outlet) = gathering(Recorder::taking(takes, hesitates));
            block_on(async {
                for (bytes, turn) in writes.iter().zip(turns) {
                    stream.write_all(bytes).await.unwrap();
                    match turn {
                        0 => outlet.gather(),
                        1 => poll_fn(|context| outlet.poll_send(context)).await.unwrap(),
                        2 => stream.flush().await.unwrap(),
                        _ => {}
                    }
                }
                stream.shutdown().await.unwrap();
            });
            prop_assert_eq!(outlet.gathered().stream.writes.concat(), writes.concat());
        }
    }
}
