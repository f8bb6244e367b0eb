//! Response bodies that are written while they are made.

use std::io;

use axum::body::{Body, Bytes};
use futures_util::stream;
use tokio::sync::mpsc;

/// Pieces that may wait for a slow reader; the writer then waits too.
const WAITING: usize = 16;

/// A body and its writer. Dropping the writer ends the body in order; an error breaks the connection off.
pub(super) fn body() -> (mpsc::Sender<io::Result<Bytes>>, Body) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let pieces = stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|piece| (piece, receiver))
    });
    (sender, Body::from_stream(pieces))
}
