//! A server that can be away: behind a port that is opened and closed.

use std::net::SocketAddr;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Open, it forwards to a server; closed, it refuses, and what went through it is cut.
pub(crate) struct Door {
    pub(crate) addr: SocketAddr,
    to: SocketAddr,
    tasks: TaskTracker,
    shut: CancellationToken,
}

impl Door {
    /// A closed door to a server.
    pub(crate) fn to(server: SocketAddr) -> Self {
        Self {
            addr: super::world::free_port(),
            to: server,
            tasks: TaskTracker::new(),
            shut: CancellationToken::new(),
        }
    }

    /// A closed door to the server of this URL, and the URL through the door.
    pub(crate) fn to_url(url: &str) -> (Self, String) {
        let mut parsed: url::Url = url.parse().expect("url");
        let host = parsed.host_str().expect("a host");
        let server = format!("{host}:{}", parsed.port().expect("a port"));
        let door = Self::to(server.parse().expect("an address"));
        parsed.set_port(Some(door.addr.port())).expect("has a host");
        (door, parsed.to_string())
    }

    pub(crate) async fn open(&mut self) {
        self.shut = CancellationToken::new();
        let listener = TcpListener::bind(self.addr).await.expect("bind the door");
        let (shut, to, tasks) = (self.shut.clone(), self.to, self.tasks.clone());
        self.tasks.spawn(async move {
            while let Some(Ok((client, _))) = shut.run_until_cancelled(listener.accept()).await {
                tasks.spawn(shut.clone().run_until_cancelled_owned(forward(client, to)));
            }
        });
    }

    /// Returns when nobody listens and nothing goes through any more.
    pub(crate) async fn close(&self) {
        self.shut.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.tasks.reopen();
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.shut.cancel();
    }
}

/// Until either side closes; how it ended is for those two to find out.
async fn forward(mut client: TcpStream, to: SocketAddr) {
    if let Ok(mut server) = TcpStream::connect(to).await {
        drop(copy_bidirectional(&mut client, &mut server).await);
    }
}
