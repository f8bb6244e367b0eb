//! Free loopback ports.
//!
//! Drawn at random from below Linux' ephemeral range (32768 and up): no outgoing connection can take the port between our look
//! and the server's bind, nor while a server is down in a chaos test. Two stacks drawing the same port in the same instant is
//! left: starting a server retries with other ports.

use std::{
    net::{Ipv4Addr, TcpListener, UdpSocket},
    ops::Range,
};

use super::StackError;

const CANDIDATES: Range<u16> = 15_000..32_000;
const DRAWS: usize = 1_000;

/// A TCP port on 127.0.0.1 that nobody listens on.
///
/// # Errors
/// [`StackError::Missing`] if a thousand draws found none.
pub fn free_tcp_port() -> Result<u16, StackError> {
    draw("a free TCP port", |port| {
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
    })
}

/// A UDP port on 127.0.0.1 that nobody is bound to.
///
/// # Errors
/// As [`free_tcp_port`].
pub fn free_udp_port() -> Result<u16, StackError> {
    draw("a free UDP port", |port| {
        UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
    })
}

fn draw(what: &str, is_free: impl Fn(u16) -> bool) -> Result<u16, StackError> {
    for _ in 0..DRAWS {
        let port = rand::random_range(CANDIDATES);
        if is_free(port) {
            return Ok(port);
        }
    }
    Err(StackError::Missing {
        what: what.to_owned(),
    })
}
