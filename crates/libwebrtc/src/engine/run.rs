//! The loop.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use str0m::net::Receive;
use str0m::{Input, Output};
use tokio::sync::oneshot;
use tokio::time::Sleep;

use super::{Agreed, Engine};
use crate::RtcError;
use crate::data_channel::DataChannelState;
use crate::jsep::Plan;
use crate::net::NetEvent;
use crate::peer::Command;

/// Datagrams handled before timers and commands get a turn.
const BURST: usize = 32;

/// Longest sleep. Nothing is due then; it bounds the harm of a deadline that was missed.
const IDLE: Duration = Duration::from_secs(5);

enum Wake {
    Closed,
    Shared,
    Command(Command),
    Net(NetEvent),
    Time,
}

/// Runs a connection until it is closed. A panic, also one of a listener, fails this connection and no other.
pub(super) async fn supervise(engine: Engine) {
    let peer = engine.peer.clone();
    // Nothing of the engine is used after a panic.
    if AssertUnwindSafe(run(engine)).catch_unwind().await.is_err() {
        tracing::error!("the task of a peer connection panicked");
        peer.fail();
    }
}

async fn run(mut engine: Engine) {
    let mut sleep = Box::pin(tokio::time::sleep(Duration::ZERO));
    while !engine.peer.is_closed() {
        let deadline = engine.drive(Instant::now());
        match engine.wait(deadline, sleep.as_mut()).await {
            Wake::Closed => break,
            Wake::Shared => {
                engine.look_at_shared_state();
                engine.rtc_touched = true;
            }
            Wake::Command(command) => {
                engine.command(command).await;
                engine.rtc_touched = true;
            }
            Wake::Net(event) => engine.net_events(event),
            Wake::Time => {}
        }
    }
    engine.say_goodbye();
}

impl Engine {
    /// Moves time on and gets everything out that is due. Returns when to call again.
    fn drive(&mut self, now: Instant) -> Instant {
        self.rtc_touched |= self.media.tick(now, &mut self.rtc, self.link.can_send());
        self.net.handle_timeout(now);
        self.link.update(now);
        self.dial_if_due(now);
        if let Err(error) = self.drive_rtc(now) {
            tracing::warn!(%error, "the transport failed");
            self.rtc.disconnect();
            self.link.fail();
        }
        self.show_state(now);
        self.deadline(now)
    }

    fn drive_rtc(&mut self, now: Instant) -> Result<(), str0m::RtcError> {
        self.rtc_touched |= self.channels.pump(&mut self.rtc);
        // After a datagram all is done already; then there is nothing to do here.
        while self.rtc_touched || self.rtc_deadline.is_none_or(|at| at <= now) {
            self.rtc_touched = false;
            self.rtc_deadline = None;
            self.rtc.handle_input(Input::Timeout(now))?;
            self.drain(now)?;
            self.rtc_touched = self.channels.pump(&mut self.rtc);
            if self.rtc_deadline.is_none_or(|at| at <= now) && !self.rtc_touched {
                break; // asked to be called at once: after the sockets had their turn
            }
        }
        Ok(())
    }

    /// Empties str0m, as its contract asks for after each input.
    fn drain(&mut self, now: Instant) -> Result<(), str0m::RtcError> {
        loop {
            match self.rtc.poll_output()? {
                Output::Timeout(at) => {
                    self.rtc_deadline = Some(at);
                    return Ok(());
                }
                Output::Transmit(out) => {
                    self.measured.note_path(&out);
                    self.net
                        .send(out.proto, out.source, out.destination, &out.contents);
                }
                Output::Event(event) => self.on_event(event, now),
            }
        }
    }

    fn deadline(&self, now: Instant) -> Instant {
        if self.rtc_touched {
            return now;
        }
        let all = [
            self.rtc_deadline,
            self.link.deadline(),
            self.net.deadline(),
            self.media.deadline(self.link.can_send()),
            self.candidates.dial_at,
        ];
        all.into_iter()
            .flatten()
            .min()
            .unwrap_or(now + IDLE)
            .min(now + IDLE)
    }

    async fn wait(&mut self, deadline: Instant, mut sleep: Pin<&mut Sleep>) -> Wake {
        if sleep.deadline() != deadline.into() {
            sleep.as_mut().reset(deadline.into());
        }
        let net = &mut self.net;
        tokio::select! {
            () = self.peer.woken() => if self.peer.is_closed() { Wake::Closed } else { Wake::Shared },
            command = self.commands.recv() => command.map_or(Wake::Closed, Wake::Command),
            event = poll_fn(|cx| net.poll_event(cx, Instant::now())) => Wake::Net(event),
            () = sleep => Wake::Time,
        }
    }

    /// Handles what a socket brought and what else is there already.
    fn net_events(&mut self, first: NetEvent) {
        let now = Instant::now();
        self.net_event(first, now);
        for _ in 1..BURST {
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            // The next `wait` polls again with the real waker, so none is lost.
            let std::task::Poll::Ready(event) = self.net.poll_event(&mut cx, now) else {
                return;
            };
            self.net_event(event, now);
        }
    }

    fn net_event(&mut self, event: NetEvent, now: Instant) {
        match event {
            NetEvent::TcpUp { local } => self.tcp_up(local),
            NetEvent::TcpDown { local } => self.tcp_down(local),
            NetEvent::Datagram {
                protocol,
                source,
                destination,
                len,
            } => {
                let bytes = &self.net.buffer()[..len];
                let Ok(received) = Receive::new(protocol, source, destination, bytes) else {
                    return; // not a protocol of WebRTC
                };
                let input = Input::Receive(now, received);
                if !self.rtc.accepts(&input) {
                    return;
                }
                self.link.heard(now);
                let handled = self.rtc.handle_input(input).and_then(|()| self.drain(now));
                if let Err(error) = handled {
                    tracing::debug!(%error, "datagram refused");
                }
            }
        }
    }

    fn look_at_shared_state(&mut self) {
        self.channels.adopt(self.peer.take_new_channels());
        self.channels.close_requested(&mut self.rtc);
        self.media.refresh();
    }

    async fn command(&mut self, command: Command) {
        match command {
            Command::Apply(plan, answer) => self.apply_and_answer(&plan, answer).await,
            Command::Gather(ufrag) => self.gather(&ufrag).await,
            Command::Candidate(text) => self.add_remote(&text).await,
            Command::Stats(answer) => {
                // Whoever asked may have gone.
                let _gone = answer.send(self.stats());
            }
        }
    }

    async fn apply_and_answer(
        &mut self,
        plan: &Plan,
        answer: oneshot::Sender<Result<(), RtcError>>,
    ) {
        let applied = self.apply(plan, Instant::now());
        let restarted = matches!(applied, Ok(true));
        if restarted {
            self.recheck_candidates();
        }
        for text in &plan.candidates {
            self.add_remote(text).await;
        }
        self.add_held_back().await;
        let _gone = answer.send(applied.map(|_restarted| ()));
    }

    /// Changes the transport to an agreement. Returns whether ICE restarts.
    fn apply(&mut self, plan: &Plan, now: Instant) -> Result<bool, RtcError> {
        let remote_ufrag = plan.remote.ufrag.clone();
        let restarted = match &self.agreed {
            Some(agreed) if agreed.fingerprint != plan.fingerprint => {
                return Err(RtcError::state(
                    "the peer has another certificate: a new connection is needed",
                ));
            }
            Some(agreed) => agreed.remote_ufrag != remote_ufrag,
            None => false,
        };
        self.rtc.handle_input(Input::Timeout(now))?;
        self.apply_transport(plan)?;
        self.media.sync(&mut self.rtc, &plan.media);
        self.link.negotiated(restarted, now);
        self.agreed = Some(Agreed {
            fingerprint: plan.fingerprint.clone(),
            remote_ufrag,
        });
        Ok(restarted)
    }

    fn apply_transport(&mut self, plan: &Plan) -> Result<(), RtcError> {
        let fingerprint = plan.fingerprint.parse();
        let fingerprint =
            fingerprint.map_err(|_| RtcError::sdp("the fingerprint cannot be read"))?;
        let mut api = self.rtc.direct_api();
        if self.agreed.is_none() {
            api.set_ice_controlling(plan.controlling);
            api.set_remote_fingerprint(fingerprint);
        }
        api.set_local_ice_credentials(super::setup::creds(&plan.local));
        api.set_remote_ice_credentials(super::setup::creds(&plan.remote));
        api.start_dtls(plan.dtls_active)?; // once; then without effect
        if plan.data {
            api.start_sctp(plan.dtls_active); // likewise
            self.channels.start();
            self.channels.open_waiting(&mut self.rtc);
        }
        Ok(())
    }

    /// Ends media, channels and DTLS politely, without waiting for the peer.
    fn say_goodbye(&mut self) {
        let now = Instant::now();
        self.media.stop();
        self.channels.adopt(self.peer.take_new_channels());
        let closed = self.rtc.close().and_then(|()| self.drain(now));
        if let Err(error) = closed {
            tracing::debug!(%error, "closed without a goodbye");
        }
        self.channels.all(DataChannelState::Closed);
    }
}
