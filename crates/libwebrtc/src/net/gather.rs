//! Which own addresses can be used.
//!
//! The kernel's routing table is asked instead of the list of interfaces: connecting a UDP socket sends nothing, but sets the
//! local address that packets to that destination would carry. This finds the address that works, also in containers and on
//! hosts with many interfaces, and none that leads nowhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Addresses reserved for documentation: they follow the default route, and nobody has them.
const FAR_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const FAR_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));

/// The own address from which packets to `remote` would leave, if there is a route.
pub(crate) fn source_for(remote: SocketAddr) -> Option<IpAddr> {
    let any = match remote {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).ok()?;
    socket.connect(remote).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_unspecified()).then_some(ip)
}

/// The addresses of the default routes, IPv4 first. On a host without any it is the loopback
/// address, so that two connections on it can still reach each other.
pub(crate) fn default_sources() -> Vec<IpAddr> {
    let far = [FAR_V4, FAR_V6].map(|ip| SocketAddr::new(ip, 9));
    let found: Vec<IpAddr> = far.into_iter().filter_map(source_for).collect();
    if found.is_empty() {
        vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]
    } else {
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_reached_from_loopback() {
        let local = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9);
        assert_eq!(source_for(local), Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    }

    #[test]
    fn there_is_always_an_address() {
        assert!(!default_sources().is_empty());
    }
}
