//! Why there was no answer, sorted by what can be done about it.

use super::lanes::Unconnected;
use std::{error::Error as StdError, fmt, io, time::Duration};
use tower::BoxError;

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// Nothing listens there.
    Refused,
    /// The host name leads nowhere.
    Unresolved,
    /// The server's certificate is not trusted.
    Untrusted,
    /// The connection could not be made for another reason.
    Unconnected,
    /// The credentials could not be obtained (exec plugin, token file, OIDC).
    Credentials,
    /// The connection broke after it was made: the request may have been carried out.
    Broken,
    /// No answer in time: the request may have been carried out.
    Timeout,
    /// The answer was longer than the bound.
    TooLarge,
}

/// Why there was no answer.
#[derive(Debug)]
pub struct TransportError {
    failure: Failure,
    detail: String,
    source: Option<BoxError>,
}

impl TransportError {
    /// Sorts an error of the HTTP stack by its chain of causes.
    #[must_use]
    pub fn classify(error: BoxError) -> Self {
        let failure = sort(error.as_ref());
        Self { failure, detail: innermost(error.as_ref()), source: Some(error) }
    }

    /// No answer within this time.
    #[must_use]
    pub fn timeout(after: Duration) -> Self {
        Self { failure: Failure::Timeout, detail: format!("no answer within {after:?}"), source: None }
    }

    /// An answer over this many bytes.
    #[must_use]
    pub fn too_large(len_max: usize) -> Self {
        let detail = format!("the answer is longer than {len_max} bytes");
        Self { failure: Failure::TooLarge, detail, source: None }
    }

    /// What kind of failure it was.
    #[must_use]
    pub fn failure(&self) -> Failure {
        self.failure
    }

    /// Whether the server cannot have seen the request, so that even a write may be sent again.
    #[must_use]
    pub fn never_sent(&self) -> bool {
        use Failure::{Credentials, Refused, Unconnected, Unresolved, Untrusted};
        matches!(self.failure, Refused | Unresolved | Untrusted | Unconnected | Credentials)
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.failure {
            Failure::Refused => "nothing listens there",
            Failure::Unresolved => "the host name is not known",
            Failure::Untrusted => "the server's certificate is not trusted",
            Failure::Unconnected => "no connection",
            Failure::Credentials => "the credentials could not be obtained",
            Failure::Broken => "the connection broke",
            Failure::Timeout | Failure::TooLarge => return f.write_str(&self.detail),
        };
        write!(f, "{what}: {}", self.detail)
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|error| error as _)
    }
}

/// Walks the causes. `io::Error` hides the error it wraps from `source`, so it is opened by hand.
fn causes<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| {
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|inner| inner as &(dyn StdError + 'static)).or_else(move || error.source())
    })
}

fn innermost(error: &(dyn StdError + 'static)) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

fn sort(error: &(dyn StdError + 'static)) -> Failure {
    let mut connecting = false;
    for cause in causes(error) {
        if cause.is::<kube::client::AuthError>() {
            return Failure::Credentials;
        }
        if let Some(error) = cause.downcast_ref::<hyper_util::client::legacy::Error>() {
            connecting |= error.is_connect();
        }
        connecting |= cause.is::<Unconnected>();
        if connecting && let Some(error) = cause.downcast_ref::<rustls::Error>() {
            let certificate = matches!(error, rustls::Error::InvalidCertificate(_));
            return if certificate { Failure::Untrusted } else { Failure::Unconnected };
        }
        if let Some(error) = cause.downcast_ref::<io::Error>()
            && connecting
            && error.kind() == io::ErrorKind::ConnectionRefused
        {
            return Failure::Refused;
        }
        if connecting && cause.to_string().starts_with("dns error") {
            return Failure::Unresolved;
        }
    }
    if connecting { Failure::Unconnected } else { Failure::Broken }
}
