//! The LiveKit room; the only importer of the `livekit` SDK.
