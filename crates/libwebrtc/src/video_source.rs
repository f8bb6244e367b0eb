//! Where pictures would come from. Inert: this crate sends no video.

use crate::enum_dispatch;

/// The size of a picture, in pixels.
#[derive(Debug, Clone)]
pub struct VideoResolution {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Default for VideoResolution {
    fn default() -> Self {
        Self {
            width: 1280,
            height: 720,
        }
    }
}

/// A source of pictures.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum RtcVideoSource {
    /// Frames pushed by the application.
    Native(native::NativeVideoSource),
}

impl RtcVideoSource {
    enum_dispatch!(
        [Native];
        /// The size of its pictures.
        pub fn video_resolution(self: &Self) -> VideoResolution;
    );
}

/// The source that an application feeds.
pub mod native {
    use super::VideoResolution;
    use crate::native::packet_trailer::PacketTrailerHandler;

    /// Holds a resolution and takes no frames. A track made from it is refused by
    /// [`add_transceiver`](crate::peer_connection::PeerConnection::add_transceiver) with
    /// [`RtcErrorType::Unsupported`](crate::RtcErrorType::Unsupported).
    #[derive(Debug, Clone, Default)]
    pub struct NativeVideoSource {
        resolution: VideoResolution,
    }

    impl NativeVideoSource {
        /// A source of that size.
        pub fn new(resolution: VideoResolution, _is_screencast: bool) -> Self {
            Self { resolution }
        }

        /// The size it was made with.
        pub fn video_resolution(&self) -> VideoResolution {
            self.resolution.clone()
        }

        /// Does nothing: there are no frames to mark.
        pub fn set_packet_trailer_handler(&self, _handler: PacketTrailerHandler) {}
    }
}
