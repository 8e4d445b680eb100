//! Subscriptions whose shared watch the server refuses.

use super::*;

fn settings() -> Settings {
    Settings { followed_objects_max: 2, subscription_watches_per_module_max: 4, ..Settings::default() }
}

fn refuse(cluster: &mut Cluster) -> WatchId {
    let maps = cluster.world.watches.iter().filter(|(_, spec)| spec.kind == kind(MAP));
    let wide = maps.filter(|(_, spec)| spec.selection.fields.is_none()).map(|(id, _)| *id).next_back();
    cluster.world.step(Input::Refused(wide.unwrap()));
    wide.unwrap()
}

#[test]
fn a_shared_watch_that_is_refused_is_replaced_by_one_for_each_object() {
    let mut cluster = Cluster::with(settings());
    cluster.run("s", &["a", "b", "c"].map(one), Outcome::Done);
    let wide = refuse(&mut cluster);
    let singles = ["n:metadata.name=a", "n:metadata.name=b", "n:metadata.name=c"];
    for id in cluster.of_maps().into_iter().filter(|id| *id != wide) {
        cluster.sync(id, 0);
    }
    assert_eq!(cluster.watched(), singles);
    cluster.change("c", Some("x"));
    assert_eq!(cluster.running(), [("s".into(), followed("c"))]);
    cluster.go_on("s", &["a", "b", "c"].map(one), Outcome::Done);

    cluster.world.wait(Duration::from_secs(3600));
    cluster.run("t", &[one("d")], Outcome::Done);
    assert!(cluster.watched().contains(&"n:".to_owned()), "an hour later it is asked for again");
    cluster.sync_all();
    assert_eq!(cluster.watched(), ["n:"]);
}

#[test]
fn what_would_be_too_many_watches_waits_for_the_shared_one() {
    let mut cluster = Cluster::with(settings());
    cluster.run("s", &["a", "b", "c", "d", "e"].map(one), Outcome::Done);
    cluster.sync_all();
    refuse(&mut cluster);
    assert_eq!(cluster.watched(), ["n:"]);
    cluster.run("s", &["a", "b", "c", "d"].map(one), Outcome::Done);
    cluster.world.wait(settings().subscription_grace);
    assert_eq!(cluster.watched().len(), 5, "four are no more than a module may have");
}

#[test]
fn a_read_beside_a_refused_watch_of_all_has_its_own() {
    let mut cluster = Cluster::with(settings());
    let maps = watch("c", MAP, Relation::Owned);
    cluster.world.step(Input::Offer(Box::new(version(
        "other",
        9,
        vec![controller("any", "Site", vec![maps])],
    ))));
    refuse(&mut cluster);
    cluster.run("s", &[one("x"), many(&["n"], "on=a")], Outcome::Done);
    assert_eq!(cluster.watched().len(), 3, "{:?}", cluster.watched());
    for id in cluster.of_maps().into_iter().skip(1) {
        cluster.sync(id, 0);
    }
    cluster.change("x", Some("b"));
    assert_eq!(cluster.running(), [("s".into(), followed("x"))]);
}
