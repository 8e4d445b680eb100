//! LIST in pages, parsed while they stream (R3, R5, R6, R7).

use super::{
    Counters, Delta, Sink, WatchError,
    drive::Drive,
    event::Intake,
    page::{Item, Pages, Shell},
    target::Target,
};
use crate::{
    client::{Wire, api_error},
    transport::{ResponseBody, TransportError, collect},
};
use http_body_util::BodyExt;
use std::sync::atomic::AtomicU64;
use windlass_core::call::ApiError;

/// An error's body may be so long.
const ERROR_LEN_MAX: usize = 1 << 20;

impl<S: Sink> Drive<S> {
    /// Lists everything and commits it.
    pub(super) async fn list(&mut self, target: &Target) -> Result<(), WatchError> {
        match self.list_from(target, &self.list_version()).await {
            Err(error) if stale_version(&error) => {
                // R7: at once, and as a consistent read.
                self.version_unavailable = true;
                self.list_from(target, "").await
            }
            done => done,
        }
    }

    /// R3: never back in time, from the watch cache at first.
    fn list_version(&self) -> String {
        match self.version.as_str() {
            _ if self.version_unavailable => String::new(),
            "" => "0".to_owned(),
            version => version.to_owned(),
        }
    }

    async fn list_from(&mut self, target: &Target, version: &str) -> Result<(), WatchError> {
        Counters::up(&self.counters().lists);
        let shell = match self.pages(target, version).await {
            Err(PageError::Expired) => {
                // R6: the token of a later page is too old; once more, in one piece.
                self.page(target, &target.list(version, None, None), true).await
            }
            Err(PageError::Other(error)) => Err(error),
            Ok(shell) => Ok(shell),
        }?;
        if shell.metadata.resource_version.is_empty() {
            return Err(WatchError::Nonsense("the list has no resourceVersion".to_owned()));
        }
        self.commit(&shell.metadata.resource_version).await;
        Ok(())
    }

    /// R5: pages only where a limit does not take the request past the watch cache.
    async fn pages(&mut self, target: &Target, version: &str) -> Result<Shell, PageError> {
        let paged = matches!(version, "" | "0") || self.paginated;
        let limit = paged.then_some(self.reflector.settings.page_size);
        let mut shell =
            self.page(target, &target.list(version, limit, None), true).await.map_err(PageError::Other)?;
        self.paginated |= version == "0" && !shell.metadata.continue_token.is_empty();
        while !shell.metadata.continue_token.is_empty() {
            let token = std::mem::take(&mut shell.metadata.continue_token);
            shell = self.page(target, &target.list(version, limit, Some(&token)), false).await.map_err(
                |error| {
                    if error.code() == Some(410) { PageError::Expired } else { PageError::Other(error) }
                },
            )?;
        }
        Ok(shell)
    }

    /// One page: its items are staged as they come.
    pub(super) async fn page(
        &mut self,
        target: &Target,
        wire: &Wire,
        first: bool,
    ) -> Result<Shell, WatchError> {
        let mut body = self.open("list", target, wire).await?;
        if first {
            self.sink.begin().await;
        }
        let mut pages = Pages::new(self.reflector.settings.item_len_max);
        let intake = self.intake_now();
        let idle = self.reflector.settings.list_idle_max;
        loop {
            let frame = tokio::time::timeout(idle, body.frame()).await;
            let Some(frame) = frame.map_err(|_| WatchError::Transport(TransportError::timeout(idle)))? else {
                break;
            };
            let frame = frame.map_err(|error| WatchError::Transport(TransportError::classify(error)))?;
            let Ok(data) = frame.into_data() else { continue };
            let deltas = items(&mut pages, &data, &intake, &self.counters().skipped)?;
            self.stage(deltas).await;
        }
        let shell = pages.finish().map_err(WatchError::Nonsense)?;
        if shell.kind == "Status" || shell.kind == "Table" {
            return Err(WatchError::Nonsense(format!("a {} instead of a list", shell.kind)));
        }
        Ok(shell)
    }

    /// Sends a list or watch; what comes is a success and streams.
    pub(super) async fn open(
        &mut self,
        verb: &'static str,
        target: &Target,
        wire: &Wire,
    ) -> Result<ResponseBody, WatchError> {
        let settings = self.reflector.settings.clone();
        let request = wire.request().map_err(|error| WatchError::Refused { verb, error })?;
        let answer = self.reflector.connection.watches().send(request, settings.list_idle_max).await;
        let (head, body) = answer.map_err(WatchError::Transport)?.into_parts();
        if head.status.is_success() {
            return Ok(body);
        }
        let text = tokio::time::timeout(settings.list_idle_max, collect(body, ERROR_LEN_MAX)).await;
        let text = text.ok().and_then(Result::ok).unwrap_or_default();
        let error = api_error(head.status, &head.headers, &text);
        Err(match error.code {
            403 => WatchError::Forbidden { verb, error: Box::new(error), lacks: target.rule() },
            _ => WatchError::Refused { verb, error },
        })
    }
}

enum PageError {
    Expired,
    Other(WatchError),
}

fn items(
    pages: &mut Pages,
    chunk: &[u8],
    intake: &Intake,
    skipped: &AtomicU64,
) -> Result<Vec<Delta>, WatchError> {
    let mut deltas = Vec::new();
    let fed = pages.feed(chunk, &mut |item| {
        let taken = match item {
            Item::Whole(raw) => intake.item(raw),
            Item::TooLong => Err("it is longer than the bound".to_owned()),
        };
        match taken {
            Ok(delta) => deltas.push(delta),
            Err(what) => skip(intake, &what, skipped),
        }
    });
    fed.map_err(WatchError::Nonsense)?;
    Ok(deltas)
}

/// R15: one object that cannot be read does not stop the watch.
pub(super) fn skip(intake: &Intake, what: &str, skipped: &AtomicU64) {
    Counters::up(skipped);
    tracing::warn!(kind = %intake.kind, what, "an object that cannot be read was skipped");
}

/// R7: the version that was asked for is too old, or the server has not come so far.
pub(super) fn stale_version(error: &WatchError) -> bool {
    matches!(error, WatchError::Refused { error, .. } if error.code == 410 || too_large(error))
}

fn too_large(error: &ApiError) -> bool {
    let cause = || error.status.as_deref().is_some_and(|status| status.contains("ResourceVersionTooLarge"));
    error.code == 504 && (error.message.contains("Too large resource version") || cause())
}
