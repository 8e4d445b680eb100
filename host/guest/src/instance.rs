//! One invocation: a fresh store, bounded, run and dropped. Nothing of it is left for the next.

mod memory;
mod meter;
mod outcome;
mod state;
mod trap;

pub use state::Tally;
pub(crate) use state::{Breach, State};

use crate::{
    bindings::{
        exports::windlass::controller::reconciler::{Change, Description, Failure, Request},
        windlass::controller::module,
        windlass::controller::types,
    },
    capability::objects::partial::shaped,
    deadline::before,
    host::{Activity, Caller, Host, Terms},
    limits::Bound,
    module::Module,
};
use meter::Meter;
use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};
use wasmtime::{Store, UpdateDeadline};
use windlass_core::{
    call::ApiError,
    change::ObjectChange,
    input::{AskTargets, RunId},
    name::{Kind, ObjectName},
    object::Object,
    outcome::{Outcome, Trap},
};

/// What a reconcile is given.
#[derive(Clone, Debug)]
pub struct RunInput {
    /// What the module's manifest gives it.
    pub terms: Arc<Terms>,
    /// The run's number in the pipeline.
    pub run: RunId,
    /// What is reconciled.
    pub request: windlass_core::name::Request,
    /// The reconciled kind.
    pub kind: Kind,
    /// The object as the cache holds it; none when it is gone.
    pub object: Option<Arc<Object>>,
    /// How many times in a row this request has failed.
    pub failures: u32,
}

/// How a reconcile went.
#[derive(Clone, Debug, PartialEq)]
pub struct RunReport {
    /// How it ended.
    pub outcome: Outcome,
    /// What it used.
    pub usage: Usage,
}

/// What an invocation used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Processor time, making and dropping the instance included.
    pub cpu: Duration,
    /// The most linear memory it held.
    pub peak_memory_bytes: usize,
    /// Calls, and what was dropped.
    pub tally: Tally,
}

/// How a question to `targets` went.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetsReport {
    /// One list per change asked, in order; or why there is none.
    pub targets: Result<Vec<Vec<ObjectName>>, TargetsError>,
    /// What it used.
    pub usage: Usage,
}

/// Why a module gave no targets.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TargetsError {
    /// It reported a failure.
    #[error("`targets` of the module failed: {0}")]
    Failed(String),
    /// Its answer does not fit the question.
    #[error("`targets` of the module answered wrongly: {0}")]
    Unfit(String),
    /// Its answer is longer than the module's limit.
    #[error("`targets` of the module named too much: {0}")]
    TooMany(String),
    /// It died.
    #[error("`targets` of the module died ({}): {}", .0.kind.as_str(), .0.message)]
    Trapped(Trap),
}

/// Reconciles one request in a fresh instance. Dropping the future at any point is safe: the instance goes with it.
///
/// Waits for a free slot of the engine first; the deadline counts from then on.
pub async fn invoke(module: &Module, input: RunInput, host: Arc<dyn Host>) -> RunReport {
    let RunInput { terms, run, request, kind, object, failures } = input;
    let ask = Request {
        controller: request.controller.controller.to_string(),
        name: name_of(&request.name),
        object: object.map(|object| object.json().to_owned()),
        failures,
        remaining_ms: terms.limits.time(Bound::Deadline).as_secs_f64() * 1_000.0,
    };
    let asked = Asked { terms, activity: Activity::Reconcile { run, request, kind } };
    let (said, usage, explained) = run_in_fresh_store(module, asked, host, Ask::Reconcile(&ask)).await;
    let outcome = match said {
        Ok(Said::Reconciled(result)) => outcome::of_result(result, explained),
        Ok(_) => unreachable!("the answer is of the kind that was asked for"),
        Err(trap) => Outcome::Trapped(trap),
    };
    RunReport { outcome, usage }
}

/// Asks a module which requests some changes lead to. The batch should be bounded by the caller.
pub async fn targets(
    module: &Module,
    terms: Arc<Terms>,
    ask: &AskTargets,
    host: Arc<dyn Host>,
) -> TargetsReport {
    let asked = match ask.changes.iter().map(|change| shown(ask, change)).collect::<Result<Vec<_>, _>>() {
        Ok(asked) => asked,
        Err(error) => {
            return TargetsReport {
                targets: Err(TargetsError::Failed(error.message)),
                usage: Usage::default(),
            };
        }
    };
    let by = Asked { terms, activity: Activity::Targets { controller: ask.controller.clone() } };
    let told = (by.clone(), host.clone());
    let (said, usage, _) = run_in_fresh_store(module, by, host, Ask::Targets(&asked)).await;
    let limits = &told.0.terms.limits;
    let targets = match said {
        Ok(Said::Targets(result)) => outcome::of_targets(result, asked.len(), limits),
        Ok(_) => unreachable!("the answer is of the kind that was asked for"),
        Err(trap) => Err(TargetsError::Trapped(trap)),
    };
    if matches!(targets, Err(TargetsError::TooMany(_))) {
        let (by, host) = told;
        host.reached(&by.caller(module), Bound::TargetsPerChange, 1);
    }
    TargetsReport { targets, usage }
}

/// A change as far as the watch shows it: what is held for another module may be more.
fn shown(ask: &AskTargets, change: &ObjectChange) -> Result<Change, ApiError> {
    let json = |object: &Option<Arc<Object>>| object.as_ref().map(|one| shaped(one, ask.shape)).transpose();
    Ok(Change {
        controller: ask.controller.to_string(),
        watch: ask.watch.to_string(),
        name: name_of(&change.name),
        before: json(&change.before)?,
        after: json(&change.after)?,
    })
}

/// Asks a module what it is, as the contract has it.
pub(crate) async fn ask_description(
    module: &Module,
    terms: Arc<Terms>,
    host: Arc<dyn Host>,
) -> Result<Description, Trap> {
    let asked = Asked { terms, activity: Activity::Describe };
    match run_in_fresh_store(module, asked, host, Ask::Describe).await.0? {
        Said::Described(description) => Ok(description),
        _ => unreachable!("the answer is of the kind that was asked for"),
    }
}

fn name_of(name: &ObjectName) -> types::ObjectName {
    types::ObjectName { namespace: name.namespace.as_deref().map(str::to_owned), name: name.name.to_string() }
}

#[derive(Clone, Copy)]
enum Ask<'a> {
    Describe,
    Reconcile(&'a Request),
    Targets(&'a [Change]),
}

type Reconciled = Result<module::Outcome, Failure>;
type Targeted = Result<Vec<Vec<types::ObjectName>>, Failure>;

enum Said {
    Described(Description),
    Reconciled(Reconciled),
    Targets(Targeted),
}

/// For whom and for what an instance is made.
#[derive(Clone)]
struct Asked {
    terms: Arc<Terms>,
    activity: Activity,
}

impl Asked {
    /// The caller of an invocation whose time begins now.
    fn caller(self, module: &Module) -> Caller {
        let Self { terms, activity } = self;
        let ends_at = tokio::time::Instant::now() + terms.limits.time(Bound::Deadline);
        Caller { terms, digest: module.digest(), activity, ends_at }
    }
}

/// Instantiates, asks, drops, within all limits. The last part of the answer: whether the cluster's answers explain
/// a failure.
async fn run_in_fresh_store(
    module: &Module,
    asked: Asked,
    host: Arc<dyn Host>,
    ask: Ask<'_>,
) -> (Result<Said, Trap>, Usage, bool) {
    let slot = module.engine().slots().acquire().await.expect("the engine never closes its slots");
    let meter = Arc::new(Meter::default());
    // Pinned before it is charged: what is around it would else hold it twice, before and while it runs. From making
    // the store to dropping it is one account: to read the clock of a thread is a system call.
    let (said, (peak_memory_bytes, tally, explained)) = {
        let life = pin!(life(module, Arc::new(asked.caller(module)), host, ask, &meter));
        meter.charge(life).await
    };
    drop(slot);
    (said, Usage { cpu: meter.spent(), peak_memory_bytes, tally }, explained)
}

/// An instance from its beginning to its end; beside the answer its peak of memory, its tally, and whether the cluster's
/// answers explain a failure.
async fn life(
    module: &Module,
    caller: Arc<Caller>,
    host: Arc<dyn Host>,
    ask: Ask<'_>,
    meter: &Arc<Meter>,
) -> (Result<Said, Trap>, (usize, Tally, bool)) {
    let ends_at = caller.ends_at;
    let mut store = store(module.engine().wasmtime(), State::new(caller, host), meter);
    let said = {
        let talk = pin!(converse(module, &mut store, ask));
        before(ends_at, talk).await
    };
    let state = store.data_mut();
    let said = match said {
        Some(said) => said.map_err(|error| died(&error, meter, state)),
        None => {
            state.reach(Bound::Deadline, 1);
            Err(trap::of_deadline(meter.spent(), state, None))
        }
    };
    state.tell_reached();
    (said, (state.memory.peak_bytes(), state.tally, state.explained))
}

/// Why an instance ended with an error; counts the bound that it reached.
fn died(error: &wasmtime::Error, meter: &Meter, state: &mut State) -> Trap {
    let bound = trap::bound(error);
    if let Some(bound) = bound {
        state.reach(bound, 1);
    }
    match bound {
        Some(Bound::Deadline) => trap::of_deadline(meter.spent(), state, Some(error)),
        _ => trap::of_error(error, state),
    }
}

fn store(engine: &wasmtime::Engine, state: State, meter: &Arc<Meter>) -> Store<State> {
    let limits = state.limits();
    let (payload_bytes_max, handles_max) = (limits.size(Bound::Payload), limits.size(Bound::Handles));
    let (cpu_max, deadline) = (limits.time(Bound::CpuPerRun), limits.time(Bound::Deadline));
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.memory);
    // Twice the bound of one body, and room for names and labels: what is a little too large gets an answer, what is
    // much too large ends the run before the host has copied it.
    store.set_hostcall_fuel(payload_bytes_max.saturating_mul(2).saturating_add(64 << 10));
    store.set_max_component_handles(handles_max);
    store.set_epoch_deadline(1);
    let (meter, started) = (meter.clone(), Instant::now());
    store.epoch_deadline_callback(move |context| {
        let limits = context.data().limits();
        // The timer around the run would end it too, but here it is known where the guest is.
        if started.elapsed() > deadline {
            return Err(Breach::of(Bound::Deadline, limits, "the deadline has passed").into());
        }
        if meter.spent() > cpu_max {
            let what = format!("more than {cpu_max:?} of processor time in one run");
            return Err(Breach::of(Bound::CpuPerRun, limits, what).into());
        }
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
    });
    store
}

async fn converse(module: &Module, store: &mut Store<State>, ask: Ask<'_>) -> wasmtime::Result<Said> {
    let linked = module.linked();
    let guest = linked.instance.instantiate_async(&mut *store).await?;
    // The one function that is called; the generated bindings would hold all three against their types each time.
    Ok(match ask {
        Ask::Describe => {
            let describe = guest.get_typed_func::<(), (Description,)>(&mut *store, &linked.describe)?;
            Said::Described(describe.call_async(store, ()).await?.0)
        }
        Ask::Reconcile(request) => {
            let reconcile =
                guest.get_typed_func::<(&Request,), (Reconciled,)>(&mut *store, &linked.reconcile)?;
            Said::Reconciled(reconcile.call_async(store, (request,)).await?.0)
        }
        Ask::Targets(changes) => {
            let targets = guest.get_typed_func::<(&[Change],), (Targeted,)>(&mut *store, &linked.targets)?;
            Said::Targets(targets.call_async(store, (changes,)).await?.0)
        }
    })
}

#[cfg(test)]
mod tests;
