//! Every metric's name and meaning, once. controller-runtime's and client-go's names where they mean the same, so that
//! the dashboards people have go on working.

/// A metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Runs by result.
    Reconcile,
    /// Runs that failed.
    ReconcileErrors,
    /// Runs that failed and will not be tried again.
    TerminalReconcileErrors,
    /// Runs whose instance died.
    ReconcilePanics,
    /// Runs that were ended by their deadline.
    ReconcileTimeouts,
    /// How long runs took.
    ReconcileTime,
    /// Runs under way.
    ActiveWorkers,
    /// Runs that may be under way.
    MaxConcurrentReconciles,
    /// Requests that are ready and wait.
    QueueDepth,
    /// Requests added.
    QueueAdds,
    /// Requests run again after a failure.
    QueueRetries,
    /// How long requests waited.
    QueueDuration,
    /// How long requests were worked on.
    WorkDuration,
    /// How long what runs now has been running, all runs together.
    UnfinishedWork,
    /// How long the oldest run has been running.
    LongestRunning,
    /// Whether this host leads.
    LeaderStatus,
    /// CPU of guests.
    RunCpu,
    /// Instances that died, by what ended them.
    Traps,
    /// Writes of guests, by result.
    Calls,
    /// How long writes took.
    CallTime,
    /// Calls that the grant refused.
    Refusals,
    /// Reads of guests, by who answered them.
    Reads,
    /// Reads that requests follow.
    Subscriptions,
    /// Writes that would have changed nothing.
    WritesSpared,
    /// Own writes that the watches have not passed.
    OwnWritesLive,
    /// Own writes that a live read settled.
    OwnWritesSettled,
    /// Reads sent to the server because of an own write.
    OwnWritesAsked,
    /// Own writes given up because of a bound.
    OwnWritesGivenUp,
    /// Log lines of guests.
    GuestLogLines,
    /// The generation that serves.
    ModuleGeneration,
    /// Versions seen.
    ModuleOffers,
    /// Versions refused.
    ModuleRejections,
    /// Versions that did worse than the one before.
    ModuleRollbacks,
    /// How much a module that fails may run.
    ModuleStage,
    /// From complete bytes to serving.
    ModuleSwapTime,
    /// Versions whose code is in memory.
    ModulesInMemory,
    /// Versions that gave their memory back.
    ModulesAsleep,
    /// How long sleepers took to wake.
    ModuleWakeTime,
    /// Sleepers that could not be woken.
    ModuleWakeFailures,
    /// Watches that run, by kind and by what for.
    Watches,
    /// Whether a kind's watch is in step.
    WatchSynced,
    /// Objects found by the first list.
    WatchObjects,
    /// Times a watch failed.
    WatchFailures,
    /// Writes of a module that go in circles.
    Fights,
    /// Writes that undid another one, in fights.
    FightFlips,
    /// Times that a module came to one of its limits.
    BoundReached,
    /// What a bound made the host drop.
    Dropped,
}

impl Metric {
    /// The name, without the suffix `_total` that the exposition adds to counters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Reconcile => "controller_runtime_reconcile",
            Self::ReconcileErrors => "controller_runtime_reconcile_errors",
            Self::TerminalReconcileErrors => "controller_runtime_terminal_reconcile_errors",
            Self::ReconcilePanics => "controller_runtime_reconcile_panics",
            Self::ReconcileTimeouts => "controller_runtime_reconcile_timeouts",
            Self::ReconcileTime => "controller_runtime_reconcile_time_seconds",
            Self::ActiveWorkers => "controller_runtime_active_workers",
            Self::MaxConcurrentReconciles => "controller_runtime_max_concurrent_reconciles",
            Self::QueueDepth => "workqueue_depth",
            Self::QueueAdds => "workqueue_adds",
            Self::QueueRetries => "workqueue_retries",
            Self::QueueDuration => "workqueue_queue_duration_seconds",
            Self::WorkDuration => "workqueue_work_duration_seconds",
            Self::UnfinishedWork => "workqueue_unfinished_work_seconds",
            Self::LongestRunning => "workqueue_longest_running_processor_seconds",
            Self::LeaderStatus => "leader_election_master_status",
            Self::RunCpu => "windlass_run_cpu_seconds",
            Self::Traps => "windlass_traps",
            Self::Calls => "windlass_calls",
            Self::CallTime => "windlass_call_time_seconds",
            Self::Refusals => "windlass_call_refusals",
            Self::Reads => "windlass_reads",
            Self::Subscriptions => "windlass_subscriptions",
            Self::WritesSpared => "windlass_writes_spared",
            Self::OwnWritesLive => "windlass_own_writes_live",
            Self::OwnWritesSettled => "windlass_own_writes_settled_live",
            Self::OwnWritesAsked => "windlass_own_writes_reads_to_server",
            Self::OwnWritesGivenUp => "windlass_own_writes_given_up",
            Self::GuestLogLines => "windlass_guest_log_lines",
            Self::ModuleGeneration => "windlass_module_generation",
            Self::ModuleOffers => "windlass_module_offers",
            Self::ModuleRejections => "windlass_module_rejections",
            Self::ModuleRollbacks => "windlass_module_rollbacks",
            Self::ModuleStage => "windlass_module_stage",
            Self::ModuleSwapTime => "windlass_module_swap_time_seconds",
            Self::ModulesInMemory => "windlass_modules_in_memory",
            Self::ModulesAsleep => "windlass_modules_asleep",
            Self::ModuleWakeTime => "windlass_module_wake_time_seconds",
            Self::ModuleWakeFailures => "windlass_module_wake_failures",
            Self::Watches => "windlass_watches",
            Self::WatchSynced => "windlass_watch_synced",
            Self::WatchObjects => "windlass_watch_initial_objects",
            Self::WatchFailures => "windlass_watch_failures",
            Self::Fights => "windlass_fights",
            Self::FightFlips => "windlass_fight_flips",
            Self::BoundReached => "windlass_bound_reached",
            Self::Dropped => "windlass_dropped",
        }
    }

    /// What it counts, as `# HELP` shows it (the exposition adds the full stop).
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::Reconcile => "Runs by controller and result",
            Self::ReconcileErrors => "Runs that failed, by controller",
            Self::TerminalReconcileErrors => {
                "Runs that failed and are not tried again until something changes"
            }
            Self::ReconcilePanics => "Runs whose instance died",
            Self::ReconcileTimeouts => "Runs that were ended by their deadline",
            Self::ReconcileTime => "Time of a run from dispatch to result",
            Self::ActiveWorkers => "Runs under way",
            Self::MaxConcurrentReconciles => "Runs that may be under way at a time",
            Self::QueueDepth => "Requests that are ready and wait",
            Self::QueueAdds => "Requests added to the queue",
            Self::QueueRetries => "Requests run again after a failure",
            Self::QueueDuration => "Time a request waited before its run",
            Self::WorkDuration => "Time a request was worked on",
            Self::UnfinishedWork => {
                "Time that the runs under way have taken so far, all together; grows where one is stuck"
            }
            Self::LongestRunning => "Time that the longest run under way has taken so far",
            Self::LeaderStatus => "Whether this host holds the lease",
            Self::RunCpu => "CPU that guests used, in seconds",
            Self::Traps => "Instances that died, by what ended them",
            Self::Calls => "Writes of guests, by verb and result",
            Self::CallTime => "Time until a write was answered",
            Self::Refusals => "Calls that the grant did not allow",
            Self::Reads => {
                "Reads of guests, by who answered: the cache, or the server because not enough is held or the guest wants it so"
            }
            Self::Subscriptions => "Reads that the requests of a module follow",
            Self::WritesSpared => {
                "Writes of guests that were not sent because they would have changed nothing"
            }
            Self::OwnWritesLive => "Own writes that lie over the cache until the watches have passed them",
            Self::OwnWritesSettled => "Own writes that a live read settled",
            Self::OwnWritesAsked => {
                "Cached reads that went to the server because only it knew what became of a write"
            }
            Self::OwnWritesGivenUp => "Own writes that were given up because too many lay over one kind",
            Self::GuestLogLines => "Log lines of guests, by level",
            Self::ModuleGeneration => "The generation of a module that serves; 0 while none does",
            Self::ModuleOffers => "Versions of a module that were seen",
            Self::ModuleRejections => "Versions of a module that were refused",
            Self::ModuleRollbacks => "Versions of a module that it went back from",
            Self::ModuleStage => {
                "0: a module runs as it likes; 1: slowed, 2: in quarantine, as all its runs fail"
            }
            Self::ModuleSwapTime => "Time from a module's complete bytes to serving",
            Self::ModulesInMemory => "Versions of modules whose code is in memory",
            Self::ModulesAsleep => "Versions of modules that had nothing to do and gave their memory back",
            Self::ModuleWakeTime => "Time until a module that slept was in memory again",
            Self::ModuleWakeFailures => "Times that a module that slept could not be had back",
            Self::Watches => {
                "Watches that run, by kind and by what for: a description, or only what requests follow"
            }
            Self::WatchSynced => "Whether the watch of a kind is in step with the API server",
            Self::WatchObjects => "Objects of a kind that its watch found at first",
            Self::WatchFailures => "Times the watch of a kind failed",
            Self::Fights => "Objects that a module wakes itself by, or whose writes it and others undo",
            Self::FightFlips => "Writes of a module that were one more turn of a fight",
            Self::BoundReached => "Times that a module came to one of the limits of its manifest, by limit",
            Self::Dropped => "What was dropped because a bound was reached, by bound",
        }
    }
}
