//! A TCP proxy that can swallow every byte of the connections it has, as a firewall does that forgot them.

use std::sync::Arc;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// The proxy. Ends with the test's runtime.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    /// Connections made before this many swallow.
    swallowed: Arc<watch::Sender<usize>>,
    made: watch::Receiver<usize>,
}

impl Proxy {
    pub(crate) async fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let swallowed = Arc::new(watch::Sender::new(0));
        let (count, made) = watch::channel(0);
        let of_task = swallowed.clone();
        tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let far = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                let id = *count.borrow();
                count.send_replace(id + 1);
                let ((near_out, near_in), (far_out, far_in)) = (near.into_split(), far.into_split());
                tokio::spawn(copy(near_out, far_in, id, of_task.subscribe()));
                tokio::spawn(copy(far_out, near_in, id, of_task.subscribe()));
            }
        });
        Self { port, swallowed, made }
    }

    /// From now on no byte of the connections made so far arrives, and neither does their end.
    pub(crate) fn swallow(&self) {
        self.swallowed.send_replace(*self.made.borrow());
    }
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    id: usize,
    swallowed: watch::Receiver<usize>,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let len = from.read(&mut buffer).await.unwrap_or(0);
        if *swallowed.borrow() > id {
            if len == 0 {
                // Held open for ever: nobody is told.
                return std::future::pending().await;
            }
            continue;
        }
        if len == 0 || to.write_all(&buffer[..len]).await.is_err() {
            return;
        }
    }
}
