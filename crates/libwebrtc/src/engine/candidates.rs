//! Own and remote addresses.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use str0m::Candidate;
use str0m::net::{Protocol, TcpType};

use super::Engine;
use super::setup::candidate_text;
use crate::ice_candidate::IceCandidate;
use crate::net;
use crate::peer_connection::{IceCandidateError, IceGatheringState};

/// How long UDP may try before TCP is dialled too.
const TCP_DELAY: Duration = Duration::from_millis(200);

/// Remote addresses that are kept; the oldest goes first. A peer has a handful.
const MAX_REMOTE: usize = 32;

/// What is known about addresses.
#[derive(Default)]
pub(super) struct Candidates {
    local: Vec<Candidate>,
    remote: Vec<Candidate>,
    /// Remote candidates that carry the credentials of an agreement that is not complete yet.
    held_back: Vec<String>,
    tcp: Vec<SocketAddr>,
    /// Own credentials under which the local candidates were announced.
    announced: Option<String>,
    pub(super) dial_at: Option<Instant>,
}

impl Engine {
    /// Opens sockets on the default addresses and announces all addresses, once per own credentials.
    pub(super) async fn gather(&mut self, ufrag: &str) {
        if self.candidates.announced.as_deref() == Some(ufrag) {
            return;
        }
        self.candidates.announced = Some(ufrag.to_owned());
        self.show_gathering(IceGatheringState::Gathering);
        for candidate in self.candidates.local.clone() {
            self.announce(&candidate);
        }
        for ip in net::default_sources() {
            self.open_udp(ip).await;
        }
        self.show_gathering(IceGatheringState::Complete);
    }

    fn show_gathering(&self, state: IceGatheringState) {
        if self.peer.states.set_gathering(state) {
            self.peer.callbacks.gathering.call(|f| f(state));
        }
    }

    async fn open_udp(&mut self, ip: IpAddr) {
        if self.net.has_udp(ip) {
            return;
        }
        let opened = self.net.bind_udp(ip).await;
        let candidate = opened
            .map_err(|error| error.to_string())
            .and_then(|local| Candidate::host(local, "udp").map_err(|error| error.to_string()));
        match candidate {
            Ok(candidate) => self.add_local(candidate),
            Err(error) => self.report(ip, error),
        }
    }

    fn add_local(&mut self, candidate: Candidate) {
        self.rtc_touched = true;
        let Some(added) = self.rtc.add_local_candidate(candidate).cloned() else {
            return;
        };
        self.announce(&added);
        self.candidates.local.push(added);
    }

    fn announce(&self, candidate: &Candidate) {
        // An outgoing TCP connection has no port that the peer could use.
        if candidate.proto() != Protocol::Udp {
            return;
        }
        let mid = self.peer.jsep(|jsep| jsep.transport_mid());
        let candidate = IceCandidate::local(mid, &candidate_text(candidate));
        self.peer.callbacks.candidate.call(|f| f(candidate));
    }

    fn report(&self, ip: IpAddr, error_text: String) {
        tracing::warn!(error = error_text, "an own address cannot be used");
        let error = IceCandidateError {
            address: ip.to_string(),
            port: 0,
            url: String::new(),
            error_code: 701,
            error_text,
        };
        self.peer.callbacks.candidate_error.call(|f| f(error));
    }

    /// Takes an address of the peer, and opens a socket if it is reached from an address not used so far.
    pub(super) async fn add_remote(&mut self, text: &str) {
        let Ok(candidate) = Candidate::from_sdp_string(text) else {
            // Host names (mDNS) and protocols of others.
            tracing::debug!("a remote candidate cannot be used");
            return;
        };
        let agreed = self
            .agreed
            .as_ref()
            .map(|agreed| agreed.remote_ufrag.as_str());
        if candidate.ufrag().is_some_and(|ufrag| Some(ufrag) != agreed) {
            if self.candidates.held_back.len() < MAX_REMOTE {
                self.candidates.held_back.push(text.to_owned());
            }
            return;
        }
        match candidate.proto() {
            Protocol::Udp => {
                if let Some(ip) = net::source_for(candidate.addr()) {
                    self.open_udp(ip).await;
                }
            }
            Protocol::Tcp if candidate.tcptype() == Some(TcpType::Passive) => {
                self.remember_tcp(candidate.addr());
            }
            _ => return,
        }
        self.remember_remote(candidate.clone());
        self.rtc_touched = true;
        self.rtc.add_remote_candidate(candidate);
    }

    /// Candidates that came before their agreement.
    pub(super) async fn add_held_back(&mut self) {
        for text in std::mem::take(&mut self.candidates.held_back) {
            self.add_remote(&text).await;
        }
    }

    fn remember_remote(&mut self, candidate: Candidate) {
        let known = &mut self.candidates.remote;
        known.retain(|c| c.addr() != candidate.addr() || c.proto() != candidate.proto());
        if known.len() >= MAX_REMOTE {
            known.remove(0);
        }
        known.push(candidate);
    }

    fn remember_tcp(&mut self, remote: SocketAddr) {
        let known = &mut self.candidates.tcp;
        if !known.contains(&remote) && known.len() < MAX_REMOTE {
            known.push(remote);
        }
        if !self.link.has_path() {
            self.dial_soon(Instant::now());
        }
    }

    pub(super) fn dial_soon(&mut self, now: Instant) {
        if !self.candidates.tcp.is_empty() && self.candidates.dial_at.is_none() {
            self.candidates.dial_at = Some(now + TCP_DELAY);
        }
    }

    pub(super) fn dial_if_due(&mut self, now: Instant) {
        if self.candidates.dial_at.is_some_and(|at| at <= now) {
            self.candidates.dial_at = None;
            for remote in &self.candidates.tcp {
                self.net.keep_tcp(*remote, now);
            }
        }
    }

    /// A TCP connection is an own address that reaches one remote address.
    pub(super) fn tcp_up(&mut self, local: SocketAddr) {
        let candidate = Candidate::builder()
            .tcp()
            .host(local)
            .tcptype(TcpType::Active)
            .build();
        match candidate {
            Ok(candidate) => self.add_local(candidate),
            Err(error) => self.report(local.ip(), error.to_string()),
        }
    }

    pub(super) fn tcp_down(&mut self, local: SocketAddr) {
        self.rtc_touched = true;
        let gone = |c: &Candidate| c.proto() == Protocol::Tcp && c.addr() == local;
        for candidate in self.candidates.local.extract_if(.., |c| gone(c)) {
            self.rtc.direct_api().invalidate_candidate(&candidate);
        }
    }

    /// Forgets how the checks of all paths went and starts them anew. Media keeps using the path chosen last until
    /// another check succeeds, which after an ICE restart is a matter of one round trip.
    pub(super) fn recheck_candidates(&mut self) {
        self.rtc_touched = true;
        for candidate in &self.candidates.remote {
            self.rtc.direct_api().invalidate_candidate(candidate);
        }
        let agreed = self.agreed.as_ref();
        let ufrag = agreed.map_or("", |agreed| &agreed.remote_ufrag);
        for mut candidate in self.candidates.remote.clone() {
            candidate.set_ufrag(ufrag);
            self.rtc.add_remote_candidate(candidate);
        }
    }
}
