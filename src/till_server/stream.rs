//! Server-sent events: what became of a till's payments, as it becomes known. Who was away says which event it had last, and is told
//! what came since.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{sleep, timeout};

use super::desk::{Followed, Told};
use crate::till_keys::TillId;

/// How often something is said when nothing happens, so that both sides see a line that is gone.
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Who does not read for so long is gone.
const SLOW: Duration = Duration::from_secs(10);

/// Chunks that may wait for who reads.
const WAITING: usize = 16;

/// How long a client waits before it comes again, in milliseconds.
const RETRY_MS: u32 = 1000;

/// The body of an answer that goes on.
pub(super) struct Events(mpsc::Receiver<Bytes>);

impl Body for Events {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|chunk| chunk.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// Begins to tell. `place` is held as long as it goes on.
pub(super) fn begin(till: TillId, followed: Followed, place: OwnedSemaphorePermit) -> Events {
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        let _place = place;
        tell(till, followed, &sender).await;
    });
    Events(receiver)
}

async fn tell(till: TillId, followed: Followed, sender: &mpsc::Sender<Bytes>) {
    let Followed { missed, gap, mut receiver } = followed;
    let mut text = format!("retry: {RETRY_MS}\n\n");
    if let Some(newest) = gap {
        // What is missing cannot be told any more: the till asks for its payments by their keys.
        text.push_str(&event("reset", Some(newest), "{}"));
    }
    for event_then in missed {
        text.push_str(&event("payment", Some(event_then.id), &event_then.data));
    }
    if !send(sender, text).await {
        return;
    }
    loop {
        let next = tokio::select! {
            next = receiver.recv() => next,
            () = sleep(KEEP_ALIVE) => {
                if !send(sender, ": still here\n\n".to_owned()).await {
                    return;
                }
                continue;
            }
            () = sender.closed() => return,
        };
        let text = match next {
            Ok(Told { till: whose, id, data }) if whose == till => {
                event(if id.is_some() { "payment" } else { "progress" }, id, &data)
            }
            Ok(_) => continue,
            // It is too far behind: it comes again and is told what it missed.
            Err(RecvError::Lagged(_) | RecvError::Closed) => return,
        };
        if !send(sender, text).await {
            return;
        }
    }
}

async fn send(sender: &mpsc::Sender<Bytes>, text: String) -> bool {
    matches!(timeout(SLOW, sender.send(text.into())).await, Ok(Ok(())))
}

/// One event. JSON has no line breaks, so that it is one line.
fn event(name: &str, id: Option<i64>, data: &str) -> String {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("{id}event: {name}\ndata: {data}\n\n")
}

/// How many may be told at a time.
pub(super) fn places() -> Arc<tokio::sync::Semaphore> {
    Arc::new(tokio::sync::Semaphore::new(MOST_STREAMS))
}

/// Lines that listen at a time.
const MOST_STREAMS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_its_number_its_name_and_one_line() {
        assert_eq!(event("payment", Some(7), "{}"), "id: 7\nevent: payment\ndata: {}\n\n");
        assert_eq!(event("progress", None, "{}"), "event: progress\ndata: {}\n\n");
    }
}
