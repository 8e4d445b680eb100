//! What the runtime needs to know before it starts. The command line fills it; nothing here reads an environment.

use crate::{manifest::Defaults, observe::LogSettings, source::DirectoryOptions};
use std::{net::SocketAddr, num::NonZeroUsize, path::PathBuf, thread, time::Duration};
use windlass_guest::{limits::Maxima, module::ModuleBounds};

/// Everything that an operator can choose about a host.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Holds the key, compiled code, rejected digests, last good bytes, and the control socket.
    pub state_dir: PathBuf,
    /// Where the modules are; none when they come from elsewhere.
    pub modules_dir: Option<PathBuf>,
    /// How that directory is watched.
    pub directory: DirectoryOptions,
    /// What holds where a manifest says nothing.
    pub defaults: Defaults,
    /// What a manifest may ask for at most.
    pub maxima: Maxima,
    /// What is logged and how.
    pub log: LogSettings,
    /// Where `/metrics`, `/healthz` and `/readyz` are served; none: nowhere. Port 0 takes a free one.
    pub metrics_address: Option<SocketAddr>,
    /// Whether and how this host waits for its turn on the cluster.
    pub lease: Option<LeaseSettings>,
    /// What bounds the host as a whole.
    pub bounds: Bounds,
}

/// The option of the command line that sets [`Settings::metrics_address`]; errors name it.
pub const METRICS_ADDRESS_FLAG: &str = "metrics-address";

/// One host at a time runs the modules of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseSettings {
    /// Where the Lease is.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Who this host is in it; unique among the hosts of a cluster.
    pub identity: String,
    /// A holder that has not renewed for so long has lost it.
    pub duration: Duration,
    /// A holder that could not renew for so long stops its runs. Less than `duration`.
    pub renew_deadline: Duration,
    /// Between two attempts. Less than `renew_deadline`.
    pub retry_period: Duration,
}

/// Bounds of the whole host, shared by all modules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Runs at a time, over all modules: what the pool of instances is sized by.
    pub runs_max: NonZeroUsize,
    /// When the host ends, runs under way may go on for so long before they are cut off.
    pub drain: Duration,
    /// A module that cannot be described in this time is rejected.
    pub describe_deadline: Duration,
    /// A module that holds more is rejected unread by any compiler.
    pub module: ModuleBounds,
    /// A module that has not run for so long gives its memory back until it has something to do.
    pub sleep_after: Duration,
}

impl Default for Settings {
    /// State in `.windlass`, no modules, metrics on port 9808 of this machine only, no lease.
    fn default() -> Self {
        Self {
            state_dir: PathBuf::from(".windlass"),
            modules_dir: None,
            directory: DirectoryOptions::default(),
            defaults: Defaults::default(),
            maxima: Maxima::default(),
            log: LogSettings::default(),
            metrics_address: Some(SocketAddr::from(([127, 0, 0, 1], 9808))),
            lease: None,
            bounds: Bounds::default(),
        }
    }
}

impl LeaseSettings {
    /// client-go's periods: 15 s, 10 s, 2 s.
    #[must_use]
    pub fn new(namespace: &str, name: &str, identity: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            identity: identity.to_owned(),
            duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry_period: Duration::from_secs(2),
        }
    }
}

impl Default for Bounds {
    /// Eight runs for each processor, at least 16: most of a run is waiting for the API server. Sleep after a minute:
    /// waking takes a millisecond.
    fn default() -> Self {
        let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let at_least_one = |count: usize| NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN);
        Self {
            runs_max: at_least_one((processors * 8).max(16)),
            drain: Duration::from_secs(10),
            describe_deadline: Duration::from_secs(10),
            module: ModuleBounds::default(),
            sleep_after: Duration::from_secs(60),
        }
    }
}

/// Settings that contradict each other.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A holder would go on running when another one has begun.
    #[error(
        "a lease's duration ({duration:?}) must be longer than its renew deadline ({renew_deadline:?}), and that longer than its retry period ({retry_period:?})"
    )]
    Lease {
        /// As set.
        duration: Duration,
        /// As set.
        renew_deadline: Duration,
        /// As set.
        retry_period: Duration,
    },
    /// A wait of no length would keep a processor busy.
    #[error("{what} cannot be zero")]
    Zero {
        /// What was set so.
        what: &'static str,
    },
}

impl Settings {
    /// Whether everything fits together.
    ///
    /// # Errors
    /// Names what contradicts what.
    pub fn check(&self) -> Result<(), SettingsError> {
        for (what, time) in [
            ("the directory's settle time", self.directory.settle),
            ("the directory's settle time of written files", self.directory.settle_written),
            ("the directory's rescan interval", self.directory.rescan),
            ("the deadline of a description", self.bounds.describe_deadline),
            ("the time after which a module sleeps", self.bounds.sleep_after),
        ] {
            if time.is_zero() {
                return Err(SettingsError::Zero { what });
            }
        }
        if self.defaults.concurrency == 0 {
            return Err(SettingsError::Zero { what: "concurrency" });
        }
        match &self.lease {
            Some(LeaseSettings { duration, renew_deadline, retry_period, .. })
                if !(duration > renew_deadline
                    && renew_deadline > retry_period
                    && !retry_period.is_zero()) =>
            {
                let (duration, renew_deadline, retry_period) = (*duration, *renew_deadline, *retry_period);
                Err(SettingsError::Lease { duration, renew_deadline, retry_period })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_fit_together() {
        let lease = Some(LeaseSettings::new("kube-system", "windlass", "here"));
        assert_eq!(Settings { lease, ..Settings::default() }.check(), Ok(()));
    }

    #[test]
    fn contradictions_are_named() {
        let mut settings = Settings { lease: Some(LeaseSettings::new("a", "b", "c")), ..Settings::default() };
        if let Some(lease) = &mut settings.lease {
            lease.renew_deadline = Duration::from_secs(20);
        }
        assert!(matches!(settings.check(), Err(SettingsError::Lease { .. })));
        settings.directory.rescan = Duration::ZERO;
        assert_eq!(settings.check(), Err(SettingsError::Zero { what: "the directory's rescan interval" }));
    }
}
