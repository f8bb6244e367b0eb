//! A front door: one loopback port before several servers, as a Kubernetes Service stands before its pods.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Connections at a time; more wait in the kernel's queue.
const CONNECTIONS: usize = 1_024;
/// A server that does not accept for so long is passed over.
const CONNECT_LIMIT: Duration = Duration::from_millis(300);

/// Forwards each connection to a server that accepts it, in turn. It ends, with all connections, when it is dropped.
#[derive(Debug)]
pub struct FrontDoor {
    address: SocketAddr,
    stop: CancellationToken,
}

struct Hall {
    servers: Vec<SocketAddr>,
    next: AtomicUsize,
    places: Arc<Semaphore>,
}

impl FrontDoor {
    /// Opens a door on a port of its own. Needs a runtime of tokio, whose task it is.
    ///
    /// # Errors
    /// No port could be bound.
    pub fn open(servers: Vec<SocketAddr>) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let (address, stop) = (listener.local_addr()?, CancellationToken::new());
        let hall = Arc::new(Hall {
            servers,
            next: AtomicUsize::new(0),
            places: Arc::new(Semaphore::new(CONNECTIONS)),
        });
        tokio::spawn(serve(listener, hall, stop.clone()));
        Ok(Self { address, stop })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for FrontDoor {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn serve(listener: TcpListener, hall: Arc<Hall>, stop: CancellationToken) {
    let guests = TaskTracker::new();
    while let Some(Ok(place)) = stop
        .run_until_cancelled(hall.places.clone().acquire_owned())
        .await
    {
        let Some(accepted) = stop.run_until_cancelled(listener.accept()).await else {
            break;
        };
        let guest = match accepted {
            Ok((guest, _)) => guest,
            Err(error) => {
                tracing::warn!(%error, "the front door could not accept");
                continue;
            }
        };
        let (hall, stop) = (hall.clone(), stop.clone());
        guests.spawn(async move {
            stop.run_until_cancelled(hall.lead(guest)).await;
            drop(place);
        });
    }
    guests.close();
    guests.wait().await;
}

impl Hall {
    /// Until both sides are done. A connection that nobody takes is closed.
    async fn lead(&self, mut guest: TcpStream) {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        for turn in 0..self.servers.len() {
            let server = self.servers[(first + turn) % self.servers.len()];
            let Ok(Ok(mut host)) = timeout(CONNECT_LIMIT, TcpStream::connect(server)).await else {
                continue;
            };
            if let Err(error) = copy_bidirectional(&mut guest, &mut host).await {
                tracing::debug!(%error, %server, "a connection broke");
            }
            return;
        }
        tracing::warn!("no server behind the front door");
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn server(name: &'static str) -> (SocketAddr, CancellationToken) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let (address, stop) = (
            listener.local_addr().expect("an address"),
            CancellationToken::new(),
        );
        let stopped = stop.clone();
        tokio::spawn(async move {
            while let Some(Ok((mut guest, _))) =
                stopped.run_until_cancelled(listener.accept()).await
            {
                guest.write_all(name.as_bytes()).await.expect("written");
            }
        });
        (address, stop)
    }

    async fn ask(door: SocketAddr) -> String {
        let mut answer = String::new();
        let mut stream = TcpStream::connect(door).await.expect("the door is open");
        stream.read_to_string(&mut answer).await.expect("read");
        answer
    }

    #[tokio::test]
    async fn guests_are_led_in_turn_and_past_a_server_that_is_gone() {
        let ((one, stop), (two, _two)) = (server("one").await, server("two").await);
        let door = FrontDoor::open(vec![one, two]).expect("a door");
        let mut seen = [ask(door.address()).await, ask(door.address()).await];
        seen.sort();
        assert_eq!(seen, ["one", "two"]);
        stop.cancel();
        while TcpStream::connect(one).await.is_ok() {
            tokio::task::yield_now().await;
        }
        for _ in 0..4 {
            assert_eq!(ask(door.address()).await, "two");
        }
    }

    #[tokio::test]
    async fn a_dropped_door_is_shut() {
        let (one, _stop) = server("one").await;
        let door = FrontDoor::open(vec![one]).expect("a door");
        let address = door.address();
        drop(door);
        while TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
