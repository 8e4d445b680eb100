//! Which watches serve subscriptions, what they share, and their bounds.

use super::*;

fn settings() -> Settings {
    Settings { followed_objects_max: 2, followed_watches_max: 3, ..Settings::default() }
}

/// Sites as ever; of ConfigMaps only these verbs, there, by these names.
fn granting(digest: u8, verbs: &[&str], scope: Scope, names: &[&str]) -> Version {
    let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let sites_rule = Rule {
        permission: Permission {
            api_groups: own(&["example.com"]),
            resources: own(&["*"]),
            resource_names: Vec::new(),
            verbs: own(&["*"]),
        },
        scope: Scope::AllNamespaces,
    };
    let permission = Permission {
        api_groups: own(&[""]),
        resources: own(&["configmaps"]),
        resource_names: own(names),
        verbs: own(verbs),
    };
    let grant = Grant { rules: vec![sites_rule, Rule { permission, scope }] };
    Version { grant: Arc::new(grant), ..sites("m", digest) }
}

#[test]
fn what_a_wider_watch_holds_needs_none_of_its_own() {
    let mut cluster = Cluster::with(settings());
    let maps = watch("c", MAP, Relation::Owned);
    cluster.world.serve(version("other", 9, vec![controller("any", "Site", vec![maps])]));
    cluster.sync_all();
    cluster.world.finish();
    cluster.world.upsert("Site", site("s"));
    let at = cluster.world.runs.iter().position(|run| &*run.request.controller.module.0 == "m").unwrap();
    let run = cluster.world.runs.remove(at);
    assert_eq!(cluster.subscribe(&run, &one("x")).1, Ok(Following::InStep));
    assert_eq!(cluster.watched(), ["*:"]);
    cluster.world.end(&run, Outcome::Done);
    cluster.world.runs.clear();
    cluster.world.step(Input::Withdraw(ModuleName("other".into())));
    assert_eq!(
        cluster.watched(),
        ["*:", "n:metadata.name=x"],
        "the wide one stands in until its heir is synced"
    );
    cluster.write("x", Some("a"));
    cluster.sync_all();
    assert_eq!(cluster.watched(), ["n:metadata.name=x"]);
    assert_eq!(cluster.running(), [("s".into(), followed("x"))], "what changed meanwhile is no loss");
}

#[test]
fn a_few_objects_have_a_watch_each_more_share_one_and_fewer_get_theirs_back() {
    let mut cluster = Cluster::with(settings());
    cluster.run("s", &[one("a"), one("b")], Outcome::Done);
    assert_eq!(cluster.watched(), ["n:metadata.name=a", "n:metadata.name=b"]);
    cluster.run("t", &[one("c")], Outcome::Done);
    assert_eq!(cluster.watched().len(), 3, "the narrow ones go on until the wide one is synced");
    cluster.sync_all();
    assert_eq!(cluster.watched(), ["n:"]);
    cluster.run("u", &[one("o/a"), one("o/b"), one("p/a")], Outcome::Done);
    cluster.sync_all();
    assert_eq!(cluster.watched(), ["*:"], "four watches of the kind are too many");
    cluster.world.delete("Site", &name("u"));
    cluster.go_on("u", &[], Outcome::Done);
    cluster.world.wait(settings().subscription_grace);
    cluster.sync_all();
    assert_eq!(cluster.watched(), ["n:"]);
    cluster.run("t", &[], Outcome::Done);
    cluster.world.wait(settings().subscription_grace);
    assert_eq!(cluster.watched(), ["n:"], "not before there is half as much");
    cluster.run("s", &[one("a")], Outcome::Done);
    cluster.world.wait(settings().subscription_grace);
    cluster.sync_all();
    assert_eq!(cluster.watched(), ["n:metadata.name=a"]);
    cluster.change("a", Some("x"));
    assert_eq!(cluster.running(), [("s".into(), followed("a"))], "and nothing was lost on the way");
}

#[test]
fn a_wider_watch_takes_a_grant_for_it() {
    let mut cluster = Cluster::with(settings());
    let abc = ["a", "b", "c", "d"];
    cluster.world.serve(granting(2, &["get", "watch"], Scope::AllNamespaces, &abc));
    cluster.run("s", &abc.map(one), Outcome::Done);
    assert_eq!(cluster.watched().len(), 4, "by name is all that is granted");
    let within = Scope::Namespaces(vec!["n".into()]);
    cluster.world.serve(granting(3, &["get", "list", "watch"], within, &[]));
    cluster.sync_all();
    assert_eq!(cluster.watched(), ["n:"]);
    cluster.go_on("s", &abc.map(one), Outcome::Done);
    cluster.world.serve(granting(4, &["get", "watch"], Scope::AllNamespaces, &abc[..2]));
    cluster.sync_all();
    assert_eq!(
        cluster.watched(),
        ["n:metadata.name=a", "n:metadata.name=b"],
        "what is granted no more is dropped"
    );
}

#[test]
fn a_watch_that_is_dropped_and_wanted_again_in_a_moment_does_not_list_again() {
    let mut cluster = Cluster::with(settings());
    cluster.run("s", &[one("x")], Outcome::Done);
    cluster.sync_all();
    let before = cluster.of_maps();
    cluster.run("s", &[], Outcome::Done);
    cluster.world.wait(settings().subscription_grace / 2);
    cluster.world.upsert("Site", site("s"));
    let run = cluster.world.runs.remove(0);
    assert_eq!(cluster.subscribe(&run, &one("x")).1, Ok(Following::InStep));
    cluster.world.end(&run, Outcome::Done);
    cluster.world.wait(settings().subscription_grace * 2);
    assert_eq!(cluster.of_maps(), before);
    cluster.run("s", &[], Outcome::Done);
    cluster.world.wait(settings().subscription_grace);
    assert_eq!(cluster.of_maps(), []);
}

#[test]
fn metadata_is_followed_by_a_watch_of_metadata_and_held_apart() {
    let mut cluster = Cluster::with(settings());
    let metadata = |text| Subscription { shape: Shape::Metadata, ..one(text) };
    cluster.run("s", &[metadata("x")], Outcome::Done);
    let spec = cluster.world.watches.values().find(|spec| spec.kind == kind(MAP)).unwrap();
    assert!(spec.metadata_only);
    cluster.sync_all();
    cluster.change("x", Some("a"));
    assert_eq!(cluster.running(), [("s".into(), followed("x"))]);
    cluster.go_on("s", &[one("x")], Outcome::Done);
    assert_eq!(cluster.watched().len(), 2, "metadata does not answer for whole objects");
    cluster.sync_all();
    cluster.world.wait(settings().subscription_grace);
    assert!(cluster.world.watches.values().all(|spec| !spec.metadata_only));
}

#[test]
fn every_bound_is_told_and_counted() {
    let bounds = Settings {
        subscriptions_per_request_max: 3,
        subscriptions_per_module_max: 4,
        subscription_watches_per_module_max: 2,
        ..Settings::default()
    };
    let mut cluster = Cluster::with(bounds);
    let module = ModuleName("m".into());
    let refused = |cluster: &mut Cluster, run: &Run, text: &str| {
        let answer = cluster.subscribe(run, &one(text)).1.unwrap_err();
        let told = cluster
            .world
            .facts
            .iter()
            .any(|fact| matches!(fact, Fact::Dropped { bound, count: 1 } if *bound == answer.bound()));
        assert!(told, "{answer}");
        answer
    };
    cluster.world.upsert("Site", site("s"));
    cluster.world.upsert("Site", site("t"));
    let runs = mem::take(&mut cluster.world.runs);
    cluster.read(&runs[0], &one("a")).unwrap();
    cluster.read(&runs[0], &one("b")).unwrap();
    let answer = refused(&mut cluster, &runs[0], "c");
    assert_eq!(answer, SubscribeError::Watches { module: module.clone(), max: 2 });
    assert_eq!(cluster.watched().len(), 2, "the watch of what was refused did not start");
    cluster.world.serve(version(
        "w",
        9,
        vec![controller("any", "Site", vec![watch("c", MAP, Relation::Owned)])],
    ));
    cluster.sync_all();
    cluster.read(&runs[0], &one("c")).unwrap();
    assert_eq!(refused(&mut cluster, &runs[0], "d"), SubscribeError::PerRequest { max: 3 });
    cluster.read(&runs[0], &one("a")).unwrap();
    cluster.read(&runs[1], &one("e")).unwrap();
    assert_eq!(refused(&mut cluster, &runs[1], "f"), SubscribeError::PerModule { module, max: 4 });
    assert_eq!(cluster.world.pipeline.status().modules[0].subscriptions, 4);
}

#[test]
fn the_status_says_who_follows_by_which_watch() {
    let mut cluster = Cluster::with(settings());
    cluster.run("s", &[one("x")], Outcome::Done);
    cluster.run("t", &[one("x")], Outcome::Done);
    cluster.sync_all();
    let status = cluster.world.pipeline.status();
    let of_maps = status.watches.iter().find(|watch| watch.kind == kind(MAP)).unwrap();
    assert_eq!(of_maps.followers, [("m/site".to_owned(), 2)]);
    assert_eq!(of_maps.users, Vec::<String>::new());
    let of_sites = status.watches.iter().find(|watch| watch.kind == kind("Site")).unwrap();
    assert_eq!((of_sites.users.len(), of_sites.followers.len()), (1, 0));
}
