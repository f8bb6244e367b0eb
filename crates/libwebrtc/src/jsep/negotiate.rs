//! Applies descriptions.

use std::sync::Arc;

use super::lines::Content;
use super::plan::Plan;
use super::{Jsep, TransceiverCore};
use crate::RtcError;
use crate::audio_track::RtcAudioTrack;
use crate::media_stream::MediaStream;
use crate::media_stream_track::MediaStreamTrack;
use crate::peer_connection::{SignalingState, TrackEvent};
use crate::rtp_transceiver::RtpTransceiver;
use crate::sdp::{Direction, Kind, Msid, Sdp, Section};
use crate::session_description::{SdpType, SessionDescription};
use crate::video_track::RtcVideoTrack;

/// What follows from applying a description.
#[derive(Default)]
pub(crate) struct Applied {
    /// The exchange is complete: change the transport to this.
    pub(crate) plan: Option<Box<Plan>>,
    /// Tracks that the peer now sends.
    pub(crate) tracks: Vec<TrackEvent>,
}

impl Jsep {
    pub(crate) fn set_local(
        &mut self,
        description: SessionDescription,
    ) -> Result<Applied, RtcError> {
        self.check_open()?;
        match (description.sdp_type(), self.signaling) {
            (SdpType::Offer, SignalingState::Stable | SignalingState::HaveLocalOffer) => {
                self.check_local(&description)?;
                self.descriptions.pending_local = Some(description);
                self.signaling = SignalingState::HaveLocalOffer;
                Ok(Applied::default())
            }
            (SdpType::Answer, SignalingState::HaveRemoteOffer) => {
                self.check_local(&description)?;
                self.descriptions.current_local = Some(description);
                self.descriptions.current_remote = self.descriptions.pending_remote.take();
                self.agree(false)
            }
            (SdpType::Rollback, SignalingState::HaveLocalOffer) => Ok(self.roll_back()),
            (kind, state) => Err(wrong_state("local", kind, state)),
        }
    }

    pub(crate) fn set_remote(
        &mut self,
        description: SessionDescription,
    ) -> Result<Applied, RtcError> {
        self.check_open()?;
        match (description.sdp_type(), self.signaling) {
            (SdpType::Offer, SignalingState::Stable | SignalingState::HaveRemoteOffer) => {
                self.take_offer(description)
            }
            (SdpType::Offer, SignalingState::HaveLocalOffer) => {
                self.roll_back(); // both offered at once: the peer's goes first
                self.take_offer(description)
            }
            (SdpType::Answer, SignalingState::HaveLocalOffer) => self.take_answer(description),
            (SdpType::Rollback, SignalingState::HaveRemoteOffer) => Ok(self.roll_back()),
            (kind, state) => Err(wrong_state("remote", kind, state)),
        }
    }

    /// An own description may have been edited, but not beyond its sections.
    fn check_local(&self, description: &SessionDescription) -> Result<(), RtcError> {
        let mids = description.sdp().sections.iter().map(Section::mid);
        let own = self.lines.iter().map(|line| Some(line.mid.as_str()));
        if mids.eq(own) {
            Ok(())
        } else {
            Err(RtcError::sdp(
                "the sections are not those of the last created description",
            ))
        }
    }

    fn roll_back(&mut self) -> Applied {
        self.descriptions.pending_local = None;
        self.descriptions.pending_remote = None;
        self.next_credentials = None;
        self.signaling = SignalingState::Stable;
        Applied::default()
    }

    fn take_offer(&mut self, offer: SessionDescription) -> Result<Applied, RtcError> {
        let sections = &offer.sdp().sections;
        if sections.len() < self.lines.len() {
            return Err(RtcError::sdp("the offer leaves sections out"));
        }
        self.check_order(sections)?;
        for section in &sections[self.lines.len()..] {
            self.adopt(section);
        }
        if self.restarts(offer.sdp()) {
            self.next_credentials = Some((self.make_credentials)());
        }
        let tracks = self.follow_tracks(offer.sdp(), None);
        self.descriptions.pending_remote = Some(offer);
        self.signaling = SignalingState::HaveRemoteOffer;
        Ok(Applied { plan: None, tracks })
    }

    fn take_answer(&mut self, answer: SessionDescription) -> Result<Applied, RtcError> {
        let current = self.descriptions.current_remote.as_ref();
        if current.is_some_and(|current| current.text() == answer.text()) {
            return Ok(self.roll_back());
        }
        let Some(offer) = self.descriptions.pending_local.clone() else {
            return Err(RtcError::state("there is no offer that this could answer"));
        };
        if answer.sdp().sections.len() != offer.sdp().sections.len() {
            return Err(RtcError::sdp(
                "the answer has another number of sections than the offer",
            ));
        }
        self.check_order(&answer.sdp().sections)?;
        self.descriptions.pending_local = None;
        self.descriptions.current_local = Some(offer);
        self.descriptions.current_remote = Some(answer);
        self.agree(true)
    }

    /// Sections keep their place; a section without id is known by its place.
    fn check_order(&self, sections: &[Section]) -> Result<(), RtcError> {
        let moved = |(line, section): (&super::lines::Line, &Section)| {
            section.mid().is_some_and(|mid| mid != line.mid)
        };
        if self.lines.iter().zip(sections).any(moved) {
            return Err(RtcError::sdp("the sections are not in the agreed order"));
        }
        Ok(())
    }

    /// Whether a remote description carries other credentials than the agreed one.
    fn restarts(&self, remote: &Sdp) -> bool {
        let agreed = self.descriptions.current_remote.as_ref();
        agreed.is_some_and(|agreed| agreed.sdp().ice_credentials() != remote.ice_credentials())
    }

    /// Both descriptions are in place.
    fn agree(&mut self, offered: bool) -> Result<Applied, RtcError> {
        self.signaling = SignalingState::Stable;
        if let Some(next) = self.next_credentials.take() {
            self.credentials = next;
        }
        let descriptions = &self.descriptions;
        let (Some(local), Some(remote)) =
            (&descriptions.current_local, &descriptions.current_remote)
        else {
            return Err(RtcError::state("an agreement needs two descriptions"));
        };
        let (local, remote) = (local.clone(), remote.clone());
        let tracks = self.follow_tracks(remote.sdp(), Some(local.sdp()));
        self.note_directions(local.sdp(), remote.sdp());
        let plan = Plan::new(
            &self.credentials,
            &self.lines,
            local.sdp(),
            remote.sdp(),
            offered,
        )?;
        Ok(Applied {
            plan: Some(Box::new(plan)),
            tracks,
        })
    }

    fn note_directions(&self, local: &Sdp, remote: &Sdp) {
        for (index, line) in self.lines.iter().enumerate() {
            let Content::Media(core) = &line.content else {
                continue;
            };
            let (Some(own), Some(theirs)) = (local.sections.get(index), remote.sections.get(index))
            else {
                continue;
            };
            core.state().current_direction = Some(common(own, theirs).into());
        }
    }

    /// Makes each receiver follow what the peer announces for its section. `local` bounds what we receive, once known.
    fn follow_tracks(&self, remote: &Sdp, local: Option<&Sdp>) -> Vec<TrackEvent> {
        let mut events = Vec::new();
        for (index, line) in self.lines.iter().enumerate() {
            let Content::Media(core) = &line.content else {
                continue;
            };
            let Some(theirs) = remote.sections.get(index) else {
                continue;
            };
            let own = local.and_then(|sdp| sdp.sections.get(index));
            let receives = own.is_none_or(|own| own.direction().receives());
            let sends = !theirs.is_rejected() && theirs.direction().sends() && receives;
            events.extend(follow(
                core,
                sends.then(|| theirs.msid().unwrap_or_default()),
            ));
        }
        events
    }
}

/// Makes one receiver follow one announcement. An event only if something new is sent.
fn follow(core: &Arc<TransceiverCore>, sent: Option<Msid>) -> Option<TrackEvent> {
    let mut state = core.state();
    let Some(msid) = sent else {
        state.receiver.stop();
        return None;
    };
    let mid = state.mid.clone().unwrap_or_default();
    let id = if msid.track.is_empty() {
        &mid
    } else {
        &msid.track
    };
    if state.receiver.is(id, &msid.stream) {
        return None;
    }
    state.receiver.stop();
    let track = new_track(core.kind, id);
    let streams = match &*msid.stream {
        "" => Vec::new(),
        stream => vec![MediaStream::new(stream, track.clone())],
    };
    state.receiver.track = Some(track.clone());
    state.receiver.streams = streams.clone();
    state.receiver.live = true;
    drop(state);
    let transceiver = RtpTransceiver { core: core.clone() };
    Some(TrackEvent {
        receiver: transceiver.receiver(),
        streams,
        track,
        transceiver,
    })
}

fn new_track(kind: Kind, id: &str) -> MediaStreamTrack {
    if kind == Kind::Audio {
        MediaStreamTrack::Audio(RtcAudioTrack::remote(id.to_owned()))
    } else {
        MediaStreamTrack::Video(RtcVideoTrack::new(id))
    }
}

/// Who sends in a section after both sides had their say, from this side's point of view.
pub(super) fn common(own: &Section, theirs: &Section) -> Direction {
    if own.is_rejected() || theirs.is_rejected() {
        return Direction::Inactive;
    }
    let (own, theirs) = (own.direction(), theirs.direction());
    Direction::new(
        own.sends() && theirs.receives(),
        own.receives() && theirs.sends(),
    )
}

fn wrong_state(side: &str, kind: SdpType, state: SignalingState) -> RtcError {
    RtcError::state(format!("cannot apply a {side} {kind} in state {state:?}"))
}
