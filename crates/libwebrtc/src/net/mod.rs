//! Sockets of one connection: UDP, and outgoing TCP with RFC 4571 framing (ICE-TCP, RFC 6544).
//!
//! Nothing here waits on its own: [`Net::poll_event`] is driven by the engine task. Sending never waits either: what a
//! full socket buffer refuses is dropped and counted, as a network would.

mod framing;
mod gather;
mod tcp;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use str0m::net::Protocol;
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;

pub(crate) use gather::{default_sources, source_for};
use tcp::{TcpEvent, TcpLink};

/// Larger than any datagram that a WebRTC peer sends.
const BUFFER: usize = 2048;

/// TCP connections of one peer connection at a time.
const MAX_TCP: usize = 4;

/// Something happened on a socket.
#[derive(Debug)]
pub(crate) enum NetEvent {
    /// The first `len` bytes of [`Net::buffer`] came from `source`.
    Datagram {
        protocol: Protocol,
        source: SocketAddr,
        destination: SocketAddr,
        len: usize,
    },
    /// A TCP connection is up; `local` is this end.
    TcpUp { local: SocketAddr },
    /// A TCP connection that was up is gone.
    TcpDown { local: SocketAddr },
}

/// Counts since the connection began.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Traffic {
    pub(crate) packets_sent: u64,
    pub(crate) bytes_sent: u64,
    pub(crate) packets_received: u64,
    pub(crate) bytes_received: u64,
    pub(crate) packets_dropped: u64,
}

struct UdpLink {
    socket: UdpSocket,
    local: SocketAddr,
}

/// All sockets of one connection.
pub(crate) struct Net {
    udp: Vec<UdpLink>,
    tcp: Vec<TcpLink>,
    /// Which socket is asked first; moves on so that a busy one does not starve the others.
    turn: usize,
    buffer: Box<[u8; BUFFER]>,
    traffic: Traffic,
}

impl Net {
    pub(crate) fn new() -> Self {
        let buffer = Box::new([0; BUFFER]);
        Self {
            udp: Vec::new(),
            tcp: Vec::new(),
            turn: 0,
            buffer,
            traffic: Traffic::default(),
        }
    }

    pub(crate) fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// The bytes of the last [`NetEvent::Datagram`].
    pub(crate) fn buffer(&self) -> &[u8] {
        &self.buffer[..]
    }

    pub(crate) fn has_udp(&self, ip: IpAddr) -> bool {
        self.udp.iter().any(|link| link.local.ip() == ip)
    }

    /// Opens a UDP socket on a free port of `ip`.
    pub(crate) async fn bind_udp(&mut self, ip: IpAddr) -> io::Result<SocketAddr> {
        let socket = UdpSocket::bind(SocketAddr::new(ip, 0)).await?;
        // A new socket learns from the reactor that it can be written; later sends do not wait.
        socket.writable().await?;
        let local = socket.local_addr()?;
        self.udp.push(UdpLink { socket, local });
        Ok(local)
    }

    /// Keeps a TCP connection to `remote`, dialling again when it breaks, until [`Self::drop_tcp`].
    pub(crate) fn keep_tcp(&mut self, remote: SocketAddr, now: Instant) {
        let known = self.tcp.iter().any(|link| link.remote() == remote);
        if !known && self.tcp.len() < MAX_TCP {
            self.tcp.push(TcpLink::dial(remote, now));
        }
    }

    /// Gives up dialling. Connections that are up stay.
    pub(crate) fn drop_tcp_dials(&mut self) {
        self.tcp.retain(|link| link.local().is_some());
    }

    /// When a TCP connection is to be dialled again.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.tcp.iter().filter_map(TcpLink::deadline).min()
    }

    /// Dials what is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        for link in &mut self.tcp {
            link.handle_timeout(now);
        }
        self.tcp.retain(|link| !link.is_hopeless());
    }

    /// Sends one datagram, or drops it if the socket is full or gone.
    pub(crate) fn send(
        &mut self,
        protocol: Protocol,
        source: SocketAddr,
        destination: SocketAddr,
        bytes: &[u8],
    ) {
        let sent = match protocol {
            Protocol::Udp => self.send_udp(source, destination, bytes),
            Protocol::Tcp => self.send_tcp(source, destination, bytes),
            _ => false,
        };
        if sent {
            self.traffic.packets_sent += 1;
            self.traffic.bytes_sent += bytes.len() as u64;
        } else {
            self.traffic.packets_dropped += 1;
        }
    }

    fn send_udp(&self, source: SocketAddr, destination: SocketAddr, bytes: &[u8]) -> bool {
        let Some(link) = self.udp.iter().find(|link| link.local == source) else {
            return false;
        };
        match link.socket.try_send_to(bytes, destination) {
            Ok(_) => true,
            Err(error) => {
                tracing::trace!(%error, "datagram not sent");
                false
            }
        }
    }

    fn send_tcp(&mut self, source: SocketAddr, destination: SocketAddr, bytes: &[u8]) -> bool {
        let own = |l: &&mut TcpLink| l.local() == Some(source) && l.remote() == destination;
        self.tcp
            .iter_mut()
            .find(own)
            .is_some_and(|link| link.send(bytes))
    }

    /// The next event of any socket.
    pub(crate) fn poll_event(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<NetEvent> {
        let sockets = self.udp.len() + self.tcp.len();
        for _ in 0..sockets {
            self.turn = (self.turn + 1) % sockets;
            let event = match self.turn.checked_sub(self.udp.len()) {
                None => self.poll_udp(self.turn, cx),
                Some(index) => self.poll_tcp(index, cx, now),
            };
            if let Poll::Ready(NetEvent::Datagram { len, .. }) = event {
                self.traffic.packets_received += 1;
                self.traffic.bytes_received += len as u64;
            }
            if event.is_ready() {
                return event;
            }
        }
        Poll::Pending
    }

    fn poll_udp(&mut self, index: usize, cx: &mut Context<'_>) -> Poll<NetEvent> {
        let link = &self.udp[index];
        let mut read = ReadBuf::new(&mut self.buffer[..]);
        match ready!(link.socket.poll_recv_from(cx, &mut read)) {
            Ok(source) => Poll::Ready(NetEvent::Datagram {
                protocol: Protocol::Udp,
                source,
                destination: link.local,
                len: read.filled().len(),
            }),
            Err(error) => {
                // Mostly "port unreachable" echoed by the peer's host; the next poll goes on.
                tracing::trace!(%error, "datagram not received");
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn poll_tcp(&mut self, index: usize, cx: &mut Context<'_>, now: Instant) -> Poll<NetEvent> {
        let link = &mut self.tcp[index];
        Poll::Ready(match ready!(link.poll(cx, now, &mut self.buffer[..])) {
            TcpEvent::Up(local) => NetEvent::TcpUp { local },
            TcpEvent::Down(local) => NetEvent::TcpDown { local },
            TcpEvent::Frame { local, len } => NetEvent::Datagram {
                protocol: Protocol::Tcp,
                source: link.remote(),
                destination: local,
                len,
            },
        })
    }
}
