//! What becomes of one attack, and whether that is its verdict.

use std::time::Duration;
use windlass_runtime::{
    core::{fact::Fact, outcome::Outcome},
    text::deceives,
};
use windlass_tests::{
    Cluster, Host,
    hostile::{Attack, Verdict},
    samples::config_map,
};

/// How long the fate of one module is awaited.
const PATIENCE: Duration = Duration::from_secs(180);

/// Brings a module in, gives it its victims, and takes it out again; what is wrong with what became of it.
pub(super) async fn judged(cluster: &Cluster, host: &Host, attack: &Attack) -> Option<String> {
    let Attack { name, bytes, spec, verdict, .. } = attack;
    let manifest =
        format!("apiVersion: windlass.dev/v1alpha1\nkind: Module\nmetadata: {{name: {name}}}\nspec:\n{spec}");
    let mark = host.facts.mark();
    for nth in 0..attack.victims {
        cluster.create(&victim(name, nth)).await.unwrap();
    }
    host.put(&format!("{name}.yaml"), manifest.as_bytes());
    host.put(&format!("{name}.wasm"), bytes);
    let fate = host.facts.wait_for_since(mark, PATIENCE, |fact| fate(name, verdict, fact)).await;
    let fate = fate.unwrap_or_else(|_| Err("nothing".to_owned()));
    let mut missed = Vec::new();
    // Whatever it called itself, and whatever became of it.
    let page = host.status().await.to_string();
    if page.contains(|char| char != '\n' && deceives(char)) {
        missed.push(format!("the status steers a terminal: {page:?}"));
    }
    if fate.is_ok() {
        for bound in attack.reached.iter().chain(&attack.told) {
            let told = attack.told.contains(bound);
            missed.extend(not_reached(host, mark, name, bound, told).await);
        }
    }
    host.take(&format!("{name}.wasm"));
    host.take(&format!("{name}.yaml"));
    match fate {
        Err(other) => Some(format!("{name}: not {verdict:?} but {other}")),
        Ok(()) if missed.is_empty() => None,
        Ok(()) => Some(format!("{name}: {}", missed.join("; "))),
    }
}

fn victim(name: &str, nth: usize) -> serde_json::Value {
    let number = if nth == 0 { String::new() } else { format!("-{nth}") };
    config_map(&format!("victim-{name}{number}"), "attack", name)
}

/// What is missing of this: a fact and the metric say that the module came to a limit; and, if it is to be `told`,
/// somebody has read which limit that is and who raises it.
async fn not_reached(host: &Host, mark: u64, name: &str, bound: &str, told: bool) -> Option<String> {
    let reaches = |fact: &Fact| {
        matches!(fact, Fact::BoundReached { module, bound: at, .. } if *module.0 == *name && *at == bound)
            .then_some(())
    };
    // How many series there are, only the metrics know.
    let by_metric_alone = bound == "metricSeries";
    if !by_metric_alone && host.facts.wait_for_since(mark, PATIENCE, reaches).await.is_err() {
        let said = host.facts.all(|fact| text(name, fact));
        return Some(format!("did not come to {bound}; said: {said:?}"));
    }
    let series = format!("windlass_bound_reached_total{{module=\"{name}\",bound=\"{bound}\"}} ");
    let metrics = host.metrics.render();
    let count = metrics.lines().find_map(|line| line.strip_prefix(&series)).map(str::to_owned);
    if count.as_deref().is_none_or(|count| count == "0") {
        return Some(format!("the metric of {bound} is {count:?}"));
    }
    let hint = format!("spec.limits.{bound} is ");
    let says = |fact: &Fact| text(name, fact).filter(|text| text.contains(&hint)).map(drop);
    let heard = !told || host.facts.wait_for_since(mark, PATIENCE, says).await.is_ok();
    (!heard).then(|| format!("nobody was told that {hint}…"))
}

/// What a fact says of a module.
fn text(name: &str, fact: &Fact) -> Option<String> {
    let is = |module: &str| module == name;
    match fact {
        Fact::ModuleRejected { module, reason } if is(&module.0) => Some(reason.clone()),
        Fact::TargetsFailed { module, message, .. } if is(&module.0) => Some(message.clone()),
        Fact::RunEnded(run) if is(&run.request.controller.module.0) => match &run.outcome {
            Outcome::Trapped(trap) => Some(trap.message.clone()),
            Outcome::Terminal { message, .. } | Outcome::Retry { message, .. } => Some(message.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a fact is the fate of this module, and whether it is the one expected. What is only on the way to it is none.
fn fate(name: &str, verdict: &Verdict, fact: &Fact) -> Option<Result<(), String>> {
    let is = |module: &str| module == name;
    match fact {
        Fact::ModuleRejected { module, reason } if is(&module.0) => Some(match verdict {
            Verdict::Refused(says) if says.split(" || ").any(|one| reason.contains(one)) => Ok(()),
            Verdict::Any => Ok(()),
            _ => Err(format!("refused: {reason}")),
        }),
        Fact::ModuleWaiting { module, reason } if is(&module.0) => Some(match verdict {
            Verdict::Waits(says) if reason.contains(says.as_str()) => Ok(()),
            Verdict::Any => Ok(()),
            _ => Err(format!("waits: {reason}")),
        }),
        Fact::ModuleServing { module, .. } if is(&module.0) => match verdict {
            Verdict::Refused(_) | Verdict::Waits(_) => Some(Err("it serves".to_owned())),
            _ => None,
        },
        Fact::Fight(fight) if fight.writers.iter().any(|writer| is(&writer.controller.module.0)) => {
            (*verdict == Verdict::Fights).then_some(Ok(()))
        }
        Fact::RunEnded(run) if is(&run.request.controller.module.0) => match (verdict, &run.outcome) {
            (Verdict::Fights, Outcome::Done | Outcome::RequeueAfter(_)) => None,
            (_, outcome) => Some(as_expected(verdict, outcome)),
        },
        _ => None,
    }
}

fn as_expected(verdict: &Verdict, outcome: &Outcome) -> Result<(), String> {
    let fits = match (verdict, outcome) {
        (Verdict::Any, _)
        | (Verdict::Done, Outcome::Done)
        | (Verdict::Requeues, Outcome::RequeueAfter(_)) => true,
        (Verdict::Trapped(kind, says), Outcome::Trapped(trap)) => {
            (kind.is_empty() || trap.kind.as_str() == kind) && trap.message.contains(says.as_str())
        }
        (Verdict::Says(says), Outcome::Terminal { message, .. }) => message.contains(says.as_str()),
        (Verdict::Retries(says), Outcome::Retry { message, .. }) => message.contains(says.as_str()),
        _ => false,
    };
    if fits { Ok(()) } else { Err(format!("{outcome:?}")) }
}
