//! What `/metrics` shows after some facts.

use super::*;
use std::time::Duration;
use windlass_core::{
    call::ApiError,
    fact::{LogLevel, Reads, Reason},
    fight::Fight,
    name::{Digest, Generation, ObjectName, Request},
    outcome::{Trap, TrapKind},
};

fn module() -> ModuleName {
    ModuleName("website".into())
}

fn controller() -> ControllerName {
    ControllerName { module: module(), controller: "site".into() }
}

fn request() -> Request {
    Request { controller: controller(), name: ObjectName::namespaced("default", "shop") }
}

fn run(outcome: Outcome, reason: Reason) -> Fact {
    Fact::RunEnded(Box::new(RunEnded {
        request: request(),
        digest: Digest([1; 32]),
        generation: Generation(1),
        reason,
        outcome,
        took: Duration::from_millis(3),
        cpu: Duration::from_millis(2),
        waited: Duration::from_millis(1),
        calls: 2,
        reads: Reads { cache: 3, server: 2 },
    }))
}

fn fight(stage: FightStage) -> Fact {
    Fact::Fight(Box::new(Fight {
        kind: Kind::new("v1", "ConfigMap"),
        name: ObjectName::namespaced("default", "shop"),
        field: ".data.x".into(),
        writers: vec![request()],
        others: 0,
        modules: BTreeSet::from([module()]),
        elsewhere: false,
        flips: 9,
        delay: Duration::from_secs(2),
        stage,
    }))
}

fn spared(kind: &Kind) -> Fact {
    let (name, subresource) = (ObjectName::namespaced("default", "shop"), None);
    Fact::WriteSpared { request: request(), verb: "patch", kind: kind.clone(), name, subresource }
}

fn registered() -> Metrics {
    let metrics = Metrics::default();
    metrics.register_module(&module(), ["site"], 4);
    metrics
}

#[track_caller]
fn check(metrics: &Metrics, lines: &[&str]) {
    let text = metrics.render();
    for line in lines {
        assert!(text.lines().any(|shown| shown == *line), "{line}\nis not in\n{text}");
    }
}

#[test]
fn w11_c9_every_series_of_a_module_begins_at_zero() {
    check(
        &registered(),
        &[
            r#"controller_runtime_reconcile_total{controller="website/site",result="success"} 0"#,
            r#"controller_runtime_reconcile_total{controller="website/site",result="trap"} 0"#,
            r#"controller_runtime_reconcile_errors_total{controller="website/site"} 0"#,
            r#"controller_runtime_reconcile_time_seconds_count{controller="website/site"} 0"#,
            r#"controller_runtime_max_concurrent_reconciles{controller="website/site"} 4"#,
            r#"workqueue_adds_total{name="website/site",controller="website/site"} 0"#,
            r#"workqueue_depth{name="website/site",controller="website/site",priority="-100"} 0"#,
            r#"workqueue_depth{name="website/site",controller="website/site",priority="0"} 0"#,
            r#"workqueue_retries_total{name="website/site",controller="website/site"} 0"#,
            r#"workqueue_queue_duration_seconds_count{name="website/site",controller="website/site"} 0"#,
            r#"workqueue_work_duration_seconds_count{name="website/site",controller="website/site"} 0"#,
            r#"workqueue_work_duration_seconds_bucket{le="1e-8",name="website/site",controller="website/site"} 0"#,
            r#"workqueue_work_duration_seconds_bucket{le="1000.0",name="website/site",controller="website/site"} 0"#,
            r#"workqueue_unfinished_work_seconds{name="website/site",controller="website/site"} 0.0"#,
            r#"workqueue_longest_running_processor_seconds{name="website/site",controller="website/site"} 0.0"#,
            r#"controller_runtime_terminal_reconcile_errors_total{controller="website/site"} 0"#,
            r#"controller_runtime_reconcile_panics_total{controller="website/site"} 0"#,
            r#"controller_runtime_reconcile_timeouts_total{controller="website/site"} 0"#,
            r#"controller_runtime_reconcile_time_seconds_bucket{le="0.15",controller="website/site"} 0"#,
            r#"controller_runtime_active_workers{controller="website/site"} 0"#,
            r#"windlass_fights{module="website"} 0"#,
            r#"windlass_fight_flips_total{module="website"} 0"#,
            r#"windlass_traps_total{module="website",kind="memory"} 0"#,
            r#"windlass_calls_total{module="website",verb="patch",result="conflict"} 0"#,
            r#"windlass_module_rejections_total{module="website"} 0"#,
            r#"windlass_module_rollbacks_total{module="website"} 0"#,
            r#"windlass_module_stage{module="website"} 0"#,
            r#"windlass_guest_log_lines_total{module="website",level="warn"} 0"#,
            r#"windlass_reads_total{module="website",source="server"} 0"#,
            r#"windlass_subscriptions{module="website"} 0"#,
            r#"windlass_bound_reached_total{module="website",bound="memory"} 0"#,
            r#"windlass_bound_reached_total{module="website",bound="writesPerSecond"} 0"#,
        ],
    );
}

#[test]
fn each_number_has_its_row() {
    assert_eq!(rows::of_modules().len(), rows::MODULE_LEN);
    assert_eq!(rows::of_controllers().len(), rows::CONTROLLER_LEN);
}

#[test]
fn a_module_takes_no_more_than_its_numbers() {
    let bytes = size_of::<ModuleSeries>() + size_of::<ControllerSeries>();
    assert!(bytes <= 1_536, "{bytes}");
}

#[test]
fn a_time_counts_in_the_bucket_that_it_fits_and_the_ones_above() {
    let metrics = registered();
    metrics.fact(&run(Outcome::Done, Reason::Changed));
    let line = |le: &str, count: u64| {
        format!(
            r#"controller_runtime_reconcile_time_seconds_bucket{{le="{le}",controller="website/site"}} {count}"#
        )
    };
    check(&metrics, &[&line("0.0025", 0), &line("0.005", 1), &line("60.0", 1), &line("+Inf", 1)]);
    check(&metrics, &[r#"controller_runtime_reconcile_time_seconds_sum{controller="website/site"} 0.003"#]);
}

#[test]
fn every_outcome_has_a_series() {
    let trap = Trap { kind: TrapKind::Memory, message: String::new(), frames: Vec::new() };
    let outcomes = [
        Outcome::Done,
        Outcome::RequeueAfter(Duration::ZERO),
        Outcome::Retry { message: String::new(), after: None, explained: false },
        Outcome::Terminal { message: String::new(), explained: false },
        Outcome::Trapped(trap),
        Outcome::Abandoned,
    ];
    let metrics = registered();
    for outcome in outcomes {
        let line = format!(
            r#"controller_runtime_reconcile_total{{controller="website/site",result="{}"}} 1"#,
            outcome.label()
        );
        metrics.fact(&run(outcome, Reason::Changed));
        check(&metrics, &[&line]);
    }
    check(
        &metrics,
        &[
            r#"controller_runtime_reconcile_errors_total{controller="website/site"} 3"#,
            r#"controller_runtime_terminal_reconcile_errors_total{controller="website/site"} 1"#,
            r#"controller_runtime_reconcile_panics_total{controller="website/site"} 1"#,
            r#"controller_runtime_reconcile_timeouts_total{controller="website/site"} 0"#,
            r#"workqueue_retries_total{name="website/site",controller="website/site"} 2"#,
            r#"windlass_traps_total{module="website",kind="memory"} 1"#,
            r#"windlass_run_cpu_seconds_total{controller="website/site"} 0.012"#,
        ],
    );
}

#[test]
fn facts_are_counted() {
    let metrics = registered();
    let kind = Kind::new("apps/v1", "Deployment");
    let call = |error| Fact::CallAnswered {
        request: request(),
        verb: "patch",
        kind: kind.clone(),
        name: ObjectName::namespaced("default", "shop"),
        subresource: None,
        error,
        changed: true,
        took: Duration::from_millis(1),
    };
    let mut conflict = ApiError::host("Conflict", "");
    conflict.code = 409;
    let (module, level, digest) = (module(), LogLevel::Warn, Digest([1; 32]));
    let (message, reason) = (String::new(), String::new());
    let facts = [
        run(Outcome::Done, Reason::Retried),
        fight(FightStage::Began),
        fight(FightStage::GoesOn),
        fight(FightStage::Over),
        call(None),
        call(Some(conflict)),
        call(Some(ApiError::host("NotGranted", ""))),
        Fact::CallRefused { module: module.clone(), reason: reason.clone(), first: false },
        Fact::ReadsAnswered { module: module.clone(), reads: Reads { cache: 30, server: 20 } },
        Fact::GuestLog { request: None, module: module.clone(), level, message, fields: Vec::new() },
        Fact::ModuleOffered { module: module.clone(), digest },
        Fact::ModuleRejected { module: module.clone(), reason: reason.clone() },
        Fact::ModuleServing { module, digest, generation: Generation(7), took: Duration::from_millis(40) },
        Fact::WatchSynced { kind: kind.clone(), objects: 12 },
        Fact::WatchFailed { kind: kind.clone(), reason, retry_in: Duration::ZERO },
        Fact::Dropped { bound: "log-lines", count: 5 },
        Fact::Leadership { leading: true, holder: None },
    ];
    facts.iter().for_each(|fact| metrics.fact(fact));
    metrics.queue(&controller(), [4, 0, 9], &[Duration::from_millis(1_500), Duration::from_secs(4)]);
    metrics.fights(&self::module(), 1);
    metrics.added(&controller(), 11);
    check(
        &metrics,
        &[
            r#"windlass_fight_flips_total{module="website"} 2"#,
            r#"windlass_fights{module="website"} 1"#,
            r#"windlass_calls_total{module="website",verb="patch",result="success"} 1"#,
            r#"windlass_calls_total{module="website",verb="patch",result="conflict"} 1"#,
            r#"windlass_calls_total{module="website",verb="patch",result="error"} 1"#,
            r#"windlass_call_refusals_total{module="website"} 1"#,
            r#"windlass_reads_total{module="website",source="cache"} 33"#,
            r#"windlass_reads_total{module="website",source="server"} 22"#,
            r#"windlass_guest_log_lines_total{module="website",level="warn"} 1"#,
            r#"windlass_module_offers_total{module="website"} 1"#,
            r#"windlass_module_rejections_total{module="website"} 1"#,
            r#"windlass_module_generation{module="website"} 7"#,
            r"windlass_module_swap_time_seconds_count 1",
            r#"windlass_watch_initial_objects{kind="apps/v1 Deployment"} 12"#,
            r#"windlass_watch_synced{kind="apps/v1 Deployment"} 0"#,
            r#"windlass_watch_failures_total{kind="apps/v1 Deployment"} 1"#,
            r#"windlass_dropped_total{bound="log-lines"} 5"#,
            r#"leader_election_master_status{name="windlass"} 1"#,
            r#"workqueue_depth{name="website/site",controller="website/site",priority="-100"} 4"#,
            r#"workqueue_depth{name="website/site",controller="website/site",priority="0"} 9"#,
            r#"workqueue_unfinished_work_seconds{name="website/site",controller="website/site"} 5.5"#,
            r#"workqueue_longest_running_processor_seconds{name="website/site",controller="website/site"} 4.0"#,
            r#"controller_runtime_active_workers{controller="website/site"} 2"#,
            r#"workqueue_adds_total{name="website/site",controller="website/site"} 11"#,
        ],
    );
}

#[test]
fn own_writes_are_shown_and_what_was_spared_is_counted() {
    let metrics = registered();
    metrics.fact(&spared(&Kind::new("v1", "ConfigMap")));
    check(
        &metrics,
        &[
            r#"windlass_writes_spared_total{module="website"} 1"#,
            r"windlass_own_writes_live 0",
            r"windlass_own_writes_settled_live_total 0",
            r"windlass_own_writes_reads_to_server_total 0",
            r"windlass_own_writes_given_up_total 0",
        ],
    );
}

#[test]
fn a_kind_that_nobody_watches_has_no_series() {
    let (metrics, kind) = (registered(), Kind::new("v1", "Secret"));
    metrics.fact(&Fact::WatchSynced { kind: kind.clone(), objects: 1 });
    check(&metrics, &[r#"windlass_watch_failures_total{kind="v1 Secret"} 0"#]);
    metrics.forget_kind(&kind);
    assert!(!metrics.render().contains("Secret"), "{}", metrics.render());
}

#[test]
fn watches_are_counted_by_kind_and_purpose() {
    let (metrics, secret, map) = (registered(), Kind::new("v1", "Secret"), Kind::new("v1", "ConfigMap"));
    metrics.watches([(&secret, false), (&secret, false), (&map, true), (&secret, true)]);
    metrics.subscriptions(&module(), 5);
    check(
        &metrics,
        &[
            r#"windlass_watches{kind="v1 Secret",purpose="subscription"} 2"#,
            r#"windlass_watches{kind="v1 Secret",purpose="description"} 1"#,
            r#"windlass_watches{kind="v1 ConfigMap",purpose="subscription"} 0"#,
            r#"windlass_subscriptions{module="website"} 5"#,
        ],
    );
    metrics.watches([(&map, true)]);
    assert!(!metrics.render().contains("Secret"), "{}", metrics.render());
}

#[test]
fn a_module_takes_all_its_series_along() {
    let metrics = registered();
    metrics.register_module(&module(), ["other"], 1);
    assert!(!metrics.render().contains("website/site"), "a new version has no such controller");
    let never_served = ModuleName("website-2".into());
    metrics.fact(&Fact::ModuleOffered { module: never_served.clone(), digest: Digest([1; 32]) });
    metrics.fact(&Fact::ModuleWithdrawn { module: never_served });
    metrics.fact(&Fact::ModuleWithdrawn { module: module() });
    metrics.fact(&run(Outcome::Done, Reason::Changed));
    assert!(!metrics.render().contains("website"), "{}", metrics.render());
}

#[test]
fn how_often_a_module_came_to_a_limit_is_counted_by_limit() {
    let metrics = registered();
    for count in [1, 800] {
        metrics.fact(&Fact::BoundReached { module: module(), bound: "logLines", count });
    }
    metrics.fact(&Fact::BoundReached { module: ModuleName("other".into()), bound: "logLines", count: 1 });
    let sample = |at: usize| Fact::GuestMetric {
        module: module(),
        name: "seen".to_owned(),
        change: windlass_core::fact::MetricChange::Add(1.0),
        labels: vec![("at".to_owned(), at.to_string())],
        series_max: 3,
    };
    (0..5).for_each(|at| metrics.fact(&sample(at)));
    check(
        &metrics,
        &[
            r#"windlass_bound_reached_total{module="website",bound="logLines"} 801"#,
            r#"windlass_bound_reached_total{module="website",bound="metricSeries"} 2"#,
        ],
    );
    metrics.forget_module(&module());
    assert!(!metrics.render().contains("windlass_bound_reached"), "{}", metrics.render());
}
