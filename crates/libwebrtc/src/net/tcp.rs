//! One outgoing TCP connection that carries datagrams.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::framing::{FrameReader, FrameWriter};

/// From the first failure on; doubles up to the maximum.
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(2);

/// Failures in a row after which an address is given up.
const MAX_FAILURES: u32 = 12;

type Dial = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>;

enum State {
    Dialling(Dial),
    Up(Box<Up>),
    /// Broken; to be dialled again at that time.
    Waiting(Instant),
}

struct Up {
    stream: TcpStream,
    local: SocketAddr,
    reader: FrameReader,
    writer: FrameWriter,
}

pub(super) enum TcpEvent {
    Up(SocketAddr),
    Down(SocketAddr),
    /// The first `len` bytes of the buffer.
    Frame {
        local: SocketAddr,
        len: usize,
    },
}

/// A connection to one address, made again when it breaks.
pub(super) struct TcpLink {
    remote: SocketAddr,
    state: State,
    failures: u32,
}

impl TcpLink {
    pub(super) fn dial(remote: SocketAddr, now: Instant) -> Self {
        let mut link = Self {
            remote,
            state: State::Waiting(now),
            failures: 0,
        };
        link.handle_timeout(now);
        link
    }

    pub(super) fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// This end, while the connection is up.
    pub(super) fn local(&self) -> Option<SocketAddr> {
        match &self.state {
            State::Up(up) => Some(up.local),
            State::Dialling(_) | State::Waiting(_) => None,
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Waiting(at) => Some(*at),
            State::Dialling(_) | State::Up(_) => None,
        }
    }

    pub(super) fn is_hopeless(&self) -> bool {
        self.failures >= MAX_FAILURES
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if matches!(&self.state, State::Waiting(at) if *at <= now) {
            self.state = State::Dialling(Box::pin(TcpStream::connect(self.remote)));
        }
    }

    /// Queues a packet; it leaves when the stream takes it.
    pub(super) fn send(&mut self, packet: &[u8]) -> bool {
        let State::Up(up) = &mut self.state else {
            return false;
        };
        up.writer.push(packet) && up.flush_now()
    }

    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        buffer: &mut [u8],
    ) -> Poll<TcpEvent> {
        match &mut self.state {
            State::Waiting(_) => Poll::Pending,
            State::Dialling(dial) => match dial.as_mut().poll(cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(result) => self.dialled(result.and_then(Up::new), cx, now),
            },
            State::Up(up) => match up.poll(cx, buffer) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Ok(len)) => {
                    self.failures = 0;
                    Poll::Ready(TcpEvent::Frame {
                        local: up.local,
                        len,
                    })
                }
                Poll::Ready(Err(error)) => {
                    tracing::debug!(%error, "ICE-TCP connection closed");
                    let local = up.local;
                    self.retry_later(now);
                    Poll::Ready(TcpEvent::Down(local))
                }
            },
        }
    }

    fn dialled(
        &mut self,
        result: io::Result<Up>,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> Poll<TcpEvent> {
        match result {
            Ok(up) => {
                let local = up.local;
                self.state = State::Up(Box::new(up));
                Poll::Ready(TcpEvent::Up(local))
            }
            Err(error) => {
                tracing::debug!(%error, "ICE-TCP connection refused");
                self.retry_later(now);
                cx.waker().wake_by_ref(); // the deadline has changed
                Poll::Pending
            }
        }
    }

    fn retry_later(&mut self, now: Instant) {
        let wait = FIRST_RETRY
            .saturating_mul(1 << self.failures.min(8))
            .min(LAST_RETRY);
        self.failures += 1;
        self.state = State::Waiting(now + wait);
    }
}

impl Up {
    fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let local = stream.local_addr()?;
        let (reader, writer) = (FrameReader::default(), FrameWriter::default());
        Ok(Self {
            stream,
            local,
            reader,
            writer,
        })
    }

    /// Writes what the stream takes at once; the rest waits for [`Self::poll`].
    fn flush_now(&mut self) -> bool {
        while !self.writer.waiting().is_empty() {
            match self.stream.try_write(self.writer.waiting()) {
                Ok(written) => self.writer.written(written),
                // A broken stream is met again by the next read.
                Err(_) => break,
            }
        }
        true
    }

    fn poll(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll_flush(cx)?;
        loop {
            let frame = self.reader.next().map_err(|_| io::ErrorKind::InvalidData)?;
            if let Some(frame) = frame {
                let len = frame.len().min(buffer.len());
                buffer[..len].copy_from_slice(&frame[..len]);
                return Poll::Ready(Ok(len));
            }
            let mut read = ReadBuf::new(buffer);
            match Pin::new(&mut self.stream).poll_read(cx, &mut read) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) if read.filled().is_empty() => {
                    return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
                }
                Poll::Ready(Ok(())) => self.reader.push(read.filled()),
            }
        }
    }

    /// Registers for writability only while something waits.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while !self.writer.waiting().is_empty() {
            match Pin::new(&mut self.stream).poll_write(cx, self.writer.waiting()) {
                Poll::Ready(Ok(written)) => self.writer.written(written),
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => break,
            }
        }
        Ok(())
    }
}
