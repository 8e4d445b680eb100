//! What `dev` prints: one readable line for each thing that happened.

use std::{
    collections::HashMap,
    io::{IsTerminal, Write},
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};
use windlass_runtime::core::{
    fact::{Fact, LogLevel, Reason, RunEnded},
    fight::FightStage,
    name::{Kind, ObjectName, Request},
    outcome::Outcome,
    quarantine::Stage,
};
use windlass_runtime::{observe::Observer, text::visible};

/// Prints facts as they come: which object, why it was reconciled, what it changed, how long it took.
pub(crate) struct Console {
    colour: bool,
    /// What the runs under way have done so far; a run's entry goes when it ends, so its bound is that of the runs.
    done: Mutex<HashMap<Request, Done>>,
}

/// What a run has done so far.
#[derive(Default)]
struct Done {
    /// Its writes, failed ones too; the first of them, if it makes very many.
    written: Vec<String>,
    /// Writes that were not sent: they would have changed nothing.
    spared: usize,
}

/// Writes of one run that are told.
const WRITTEN_MAX: usize = 32;

/// The few colours that are used, by meaning.
#[derive(Clone, Copy)]
enum Ink {
    Good,
    Bad,
    Odd,
    Faint,
    Strong,
}

impl Console {
    /// A console on standard output; colours only on a terminal that wants them.
    pub(crate) fn new() -> Self {
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { colour, done: Mutex::default() }
    }

    /// Prints a line with the time of day before it.
    pub(crate) fn line(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        let stamp = self.ink(Ink::Faint, &time_of_day());
        // A closed pipe at the other end is no reason to stop the host.
        drop(writeln!(out, "{stamp} {text}"));
    }

    /// Prints a line about a module that went well.
    pub(crate) fn good(&self, text: &str) {
        self.line(&self.ink(Ink::Good, text));
    }

    /// Prints a line about something that failed.
    pub(crate) fn bad(&self, text: &str) {
        self.line(&self.ink(Ink::Bad, text));
    }

    /// Text in colour. What a module wrote may be in it and must not bring colours of its own, or worse.
    fn ink(&self, ink: Ink, text: &str) -> String {
        let text = visible(text);
        if !self.colour {
            return text.into_owned();
        }
        let code = match ink {
            Ink::Good => "32",
            Ink::Bad => "31",
            Ink::Odd => "33",
            Ink::Faint => "2",
            Ink::Strong => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// A run's line: what it was about and why it ran, what it did, how it ended, how long it took.
    fn run_ended(&self, run: &RunEnded) -> String {
        let mut all = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        let Done { written, spared } = all.remove(&run.request).unwrap_or_default();
        drop(all);
        let spared = match spared {
            0 => None,
            1 => Some(self.ink(Ink::Faint, "1 write spared")),
            more => Some(self.ink(Ink::Faint, &format!("{more} writes spared"))),
        };
        let did: Vec<_> = written.into_iter().chain(spared).collect();
        let did = if did.is_empty() { "nothing to do".to_owned() } else { did.join(", ") };
        let (ink, end) = ending(&run.outcome);
        let name = self.ink(Ink::Strong, &run.request.name.to_string());
        let took = self.ink(Ink::Faint, &format!("{} ms", millis(run.took)));
        let end = if end.is_empty() { String::new() } else { format!(" → {}", self.ink(ink, &end)) };
        let controller = &run.request.controller.controller;
        format!("{controller} {name} ({}): {did}{end} {took}", visible(&why(&run.reason)))
    }

    fn did(&self, request: &Request, note: impl FnOnce(&mut Done)) {
        let mut all = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        note(all.entry(request.clone()).or_default());
    }

    fn wrote(&self, request: &Request, what: String) {
        self.did(request, |done| {
            if done.written.len() < WRITTEN_MAX {
                done.written.push(what);
            }
        });
    }
}

impl Observer for Console {
    fn fact(&self, fact: &Fact) {
        match fact {
            Fact::RunEnded(run) => self.line(&self.run_ended(run)),
            Fact::WriteSpared { request, .. } => self.did(request, |done| done.spared += 1),
            // What was already as it was wanted is not worth a word.
            Fact::CallAnswered { error: None, changed: false, .. } => {}
            Fact::CallAnswered { request, verb, kind, name, subresource, error, .. } => {
                let what = call(verb, kind, name, subresource.as_deref());
                match error {
                    None => self.wrote(request, visible(&what).into_owned()),
                    Some(error) => {
                        self.wrote(request, self.ink(Ink::Bad, &format!("{what} failed: {error}")))
                    }
                }
            }
            Fact::GuestLog { request, module, level, message, fields } => {
                let ink = if *level >= LogLevel::Error { Ink::Bad } else { Ink::Odd };
                let of = |request: &Request| format!("{} {}", request.controller.controller, request.name);
                let who = request.as_ref().map_or_else(|| module.to_string(), of);
                let fields: String = fields.iter().map(|(key, value)| format!(" {key}={value}")).collect();
                let fields = visible(&fields);
                let mark = if *level >= LogLevel::Warn { ink } else { Ink::Faint };
                self.line(&format!(
                    "{} {}{fields}",
                    self.ink(Ink::Faint, &format!("{who} says:")),
                    self.ink(mark, message)
                ));
            }
            Fact::ModuleServing { module, digest, generation, took } => self.good(&format!(
                "{module} serves: version {} (generation {}), {} ms after its file was complete",
                digest.short(),
                generation.0,
                millis(*took)
            )),
            Fact::ModuleRejected { module, reason } => self.bad(&format!("{module} rejected: {reason}")),
            Fact::ModuleRolledBack { module, bad, good, reason } => {
                let (bad, good) = (bad.short(), good.short());
                self.bad(&format!("{module} goes back from version {bad} to {good}: {reason}"))
            }
            Fact::ModuleStanding { module, standing } => match standing.stage {
                Stage::Free => self.good(&format!("{module} runs as it likes again")),
                stage => self.bad(&format!("{module} is {}: {}", stage.as_str(), standing.message)),
            },
            Fact::ModuleWaiting { module, reason } => {
                self.line(&self.ink(Ink::Odd, &format!("{module} waits: {reason}")))
            }
            Fact::Fight(fight) => match fight.stage {
                FightStage::Began => self.bad(&fight.to_string()),
                FightStage::GoesOn => {}
                FightStage::Over => self.good(&fight.to_string()),
            },
            Fact::CallRefused { reason, .. } => self.bad(&format!("refused: {reason}")),
            Fact::WatchFailed { kind, reason, retry_in } => {
                let text = format!("watch of {kind} failed: {reason}; next try in {} ms", millis(*retry_in));
                self.line(&self.ink(Ink::Odd, &text));
            }
            Fact::KindAbsent { kind } => {
                self.line(&self.ink(Ink::Odd, &format!("{kind} is not served yet; waiting for it")))
            }
            _ => {}
        }
    }
}

fn call(verb: &str, kind: &Kind, name: &ObjectName, subresource: Option<&str>) -> String {
    let done = match verb {
        "create" => "created",
        "update" => "updated",
        "patch" => "patched",
        "delete" => "deleted",
        other => other,
    };
    let part = subresource.map_or_else(String::new, |part| format!("/{part}"));
    format!("{done} {}{part} {}", kind.kind, name.name)
}

fn why(reason: &Reason) -> String {
    match reason {
        Reason::Changed => "changed".into(),
        Reason::Appeared => "new".into(),
        Reason::Gone => "gone".into(),
        Reason::Related { kind, name, .. } => format!("{} {} changed", kind.kind, name.name),
        Reason::Overflowed => "changed while the queue was full".into(),
        Reason::Followed { kind, name: Some(name) } => format!("{} {} changed", kind.kind, name.name),
        Reason::Followed { kind, name: None } => format!("a list of {} changed", kind.kind),
        Reason::Requeued => "asked to come back".into(),
        Reason::Retried => "trying again".into(),
        Reason::Resync => "resync".into(),
        Reason::Reloaded => "new version".into(),
        Reason::Asked => "asked for".into(),
    }
}

fn ending(outcome: &Outcome) -> (Ink, String) {
    match outcome {
        Outcome::Done => (Ink::Good, String::new()),
        Outcome::RequeueAfter(after) => (Ink::Faint, format!("again in {} ms", millis(*after))),
        Outcome::Retry { message, .. } => (Ink::Bad, format!("failed: {message}")),
        Outcome::Terminal { message, .. } => (Ink::Bad, format!("failed for good: {message}")),
        Outcome::Trapped(trap) => (Ink::Bad, format!("died ({}): {}", trap.kind.as_str(), trap.message)),
        Outcome::Abandoned => (Ink::Faint, "given up".into()),
    }
}

fn millis(duration: Duration) -> String {
    format!("{:.1}", duration.as_secs_f64() * 1000.0)
}

/// `12:01:03.123` in UTC: what the API server's times are in, too.
fn time_of_day() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let (seconds, millis) = (now.as_secs() % 86_400, now.subsec_millis());
    format!("{:02}:{:02}:{:02}.{millis:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_runtime::core::{
        call::ApiError,
        fact::Reads,
        name::{ControllerName, Digest, Generation, ModuleName},
    };

    fn request() -> Request {
        let module = ModuleName("website".into());
        let controller = ControllerName { module, controller: "site".into() };
        Request { controller, name: ObjectName::namespaced("default", "home") }
    }

    fn name() -> ObjectName {
        ObjectName::namespaced("default", "page")
    }

    fn patched(changed: bool, error: Option<ApiError>) -> Fact {
        Fact::CallAnswered {
            request: request(),
            verb: "patch",
            kind: Kind::new("v1", "ConfigMap"),
            name: name(),
            subresource: None,
            error,
            changed,
            took: Duration::ZERO,
        }
    }

    fn spared() -> Fact {
        let kind = Kind::new("v1", "ConfigMap");
        Fact::WriteSpared { request: request(), verb: "patch", kind, name: name(), subresource: None }
    }

    /// The line of a run during which these things happened.
    fn check(facts: &[Fact], wanted: &str) {
        let console = Console { colour: false, done: Mutex::default() };
        facts.iter().for_each(|fact| console.fact(fact));
        let run = RunEnded {
            request: request(),
            digest: Digest([1; 32]),
            generation: Generation(1),
            reason: Reason::Changed,
            outcome: Outcome::Done,
            took: Duration::from_micros(2_500),
            cpu: Duration::ZERO,
            waited: Duration::ZERO,
            calls: 2,
            reads: Reads::default(),
        };
        assert_eq!(console.run_ended(&run), format!("site default/home (changed): {wanted} 2.5 ms"));
        assert_eq!(console.done.lock().map(|all| all.len()).ok(), Some(0), "the run is forgotten");
    }

    #[test]
    fn the_line_of_a_run_says_what_was_written_and_what_was_spared() {
        check(&[], "nothing to do");
        check(&[patched(false, None)], "nothing to do");
        check(&[patched(true, None)], "patched ConfigMap page");
        check(&[spared()], "1 write spared");
        check(&[spared(), patched(true, None), spared()], "patched ConfigMap page, 2 writes spared");
        let failed = patched(true, Some(ApiError::host("Unavailable", "away")));
        check(&[failed, spared()], "patched ConfigMap page failed: Unavailable (0): away, 1 write spared");
    }
}
