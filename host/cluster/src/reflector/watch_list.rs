//! WatchList: the first list over the watch that goes on afterwards (R2, R4, R16, R19).

use super::{
    Sink, WatchError,
    drive::Drive,
    event::Event,
    list::{skip, stale_version},
    target::Target,
    watch::{End, Stream, keeps_place},
};

impl<S: Sink> Drive<S> {
    /// Lists and goes on watching. An error means: try a LIST (R2).
    pub(super) async fn watch_list(&mut self, target: &Target) -> Result<Stream, WatchError> {
        let mut attempts = 0;
        loop {
            let error = match self.watch_list_once(target).await {
                Ok(stream) => return Ok(stream),
                Err(error) => error,
            };
            attempts += 1;
            if attempts >= self.reflector.settings.watch_list_attempts_max {
                return Err(error);
            }
            if stale_version(&error) && !self.version_unavailable {
                self.version_unavailable = true;
            } else if keeps_place(&error) || matches!(error, WatchError::Incomplete) {
                self.fail(&error).await;
            } else {
                return Err(error);
            }
        }
    }

    /// R4: from the version that is held; a consistent read if there is none.
    async fn watch_list_once(&mut self, target: &Target) -> Result<Stream, WatchError> {
        let version = if self.version_unavailable { String::new() } else { self.version.clone() };
        let settings = self.reflector.settings.clone();
        let mut stream = self.open_watch(target, &version, true).await?;
        self.sink.begin().await;
        loop {
            let intake = self.intake_now();
            match stream.next(&settings, &intake).await {
                Ok(()) => {}
                Err(End::Error(error)) => return Err(WatchError::Refused { verb: "watch", error }),
                Err(End::Clean | End::Broken(_) | End::Idle | End::Hint) => {
                    return Err(WatchError::Incomplete);
                }
            }
            let mut deltas = Vec::new();
            while let Some(event) = stream.pop() {
                match event {
                    Event::Changed(delta) => deltas.push(delta),
                    Event::Bookmark { version, initial_end: true } => {
                        self.stage(deltas).await;
                        self.commit(&version).await;
                        stream.continues();
                        return Ok(stream);
                    }
                    Event::Bookmark { .. } => {}
                    Event::Undecodable(what) => skip(&intake, &what, &self.counters().skipped),
                    Event::Error(error) => return Err(WatchError::Refused { verb: "watch", error }),
                }
            }
            self.stage(deltas).await;
        }
    }
}
