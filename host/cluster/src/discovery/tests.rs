//! M1–M6 against a scripted server.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use super::*;
use crate::script::{Answer, Script};

const WEBSITE: (&str, &str, &str, bool) = ("example.com/v1", "websites", "Website", true);

fn website() -> Kind {
    Kind::new("example.com/v1", "Website")
}

fn aggregated(body: &str) -> Answer {
    Answer::json(200, body)
        .with_header("content-type", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
}

#[tokio::test(start_paused = true)]
async fn m1_one_look_serves_everybody_and_an_unknown_kind_is_asked_for_at_most_every_two_seconds() {
    let server = Script::default();
    server.serve(&[WEBSITE]);
    let discovery = Discovery::new(&server.connection());
    let asks = (0..50).map(|_| async { discovery.resolve(&website()).await.unwrap().unwrap() });
    let found = futures::future::join_all(asks).await;
    assert_eq!((&*found[0].resource.plural, found[0].resource.namespaced), ("websites", true));
    assert_eq!(server.routed("GET /apis"), 1);
    for _ in 0..100 {
        assert!(discovery.resolve(&Kind::new("v1", "Nothing")).await.unwrap().is_none());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!((5..=7).contains(&server.routed("GET /apis")), "{}", server.routed("GET /apis"));
}

#[tokio::test(start_paused = true)]
async fn m5_an_invalidation_is_followed_at_once_and_many_are_one() {
    let server = Script::default();
    server.serve(&[]);
    let discovery = Discovery::new(&server.connection());
    assert!(discovery.resolve(&website()).await.unwrap().is_none());
    server.serve(&[WEBSITE]);
    assert!(discovery.resolve(&website()).await.unwrap().is_none(), "no answer is asked for again so soon");
    for _ in 0..10 {
        discovery.invalidate();
    }
    assert!(discovery.resolve(&website()).await.unwrap().is_some());
    assert_eq!(server.routed("GET /apis"), 2);
}

#[tokio::test(start_paused = true)]
async fn m2_the_first_version_is_preferred_and_a_stale_one_is_down_and_not_data() {
    let server = Script::default();
    server.route("GET /api", aggregated(r#"{"items":[]}"#));
    let resource = |kind: &str| {
        format!(
            r#"{{"resource":"xs","scope":"Cluster","responseKind":{{"kind":"{kind}"}},"subresources":[{{"subresource":"scale","responseKind":{{"group":"autoscaling","version":"v1","kind":"Scale"}},"verbs":["get"]}}]}}"#
        )
    };
    let version = |name: &str, freshness: &str| {
        format!(r#"{{"version":"{name}","freshness":"{freshness}","resources":[{}]}}"#, resource("X"))
    };
    server.route(
        "GET /apis",
        aggregated(&format!(
            r#"{{"items":[{{"metadata":{{"name":"x"}},"versions":[{},{},{}]}}]}}"#,
            version("v3", "Stale"),
            version("v2", "Current"),
            version("v1", "Current"),
        )),
    );
    let discovery = Discovery::new(&server.connection());
    let preferred = discovery.resource("x", "xs").await.unwrap().unwrap();
    assert_eq!(&*preferred.resource.kind.api_version, "x/v2");
    assert_eq!(preferred.subresource("scale").unwrap().kind, Kind::new("autoscaling/v1", "Scale"));
    assert!(discovery.resolve(&Kind::new("x/v1", "X")).await.unwrap().is_some());
    let down = discovery.resolve(&Kind::new("x/v3", "X")).await.unwrap_err();
    assert!(matches!(down, DiscoveryError::Unavailable { .. }), "{down}");
    assert_eq!(discovery.snapshot().await.unwrap().down().collect::<Vec<_>>(), ["x/v3"]);
}

#[tokio::test(start_paused = true)]
async fn m1_an_old_server_is_asked_group_by_group_and_m2_one_that_is_down_takes_no_other_along() {
    let server = Script::default();
    server.route("GET /api", Answer::json(200, r#"{"kind":"APIVersions","versions":["v1"]}"#));
    server.route("GET /apis", Answer::json(200, r#"{"kind":"APIGroupList","groups":[
        {"name":"apps","versions":[{"groupVersion":"apps/v1beta1","version":"v1beta1"},{"groupVersion":"apps/v1","version":"v1"}],
         "preferredVersion":{"groupVersion":"apps/v1","version":"v1"}},
        {"name":"down","versions":[{"groupVersion":"down/v1","version":"v1"}]}]}"#));
    let list = |kind: &str, plural: &str| {
        format!(
            r#"{{"resources":[
        {{"name":"{plural}","kind":"{kind}","namespaced":true,"verbs":["get"],"shortNames":["s"]}},
        {{"name":"{plural}/scale","kind":"Scale","group":"autoscaling","version":"v1","verbs":["get"]}}]}}"#
        )
    };
    server.route("GET /api/v1", Answer::json(200, list("Pod", "pods")));
    server.route("GET /apis/apps/v1", Answer::json(200, list("Deployment", "deployments")));
    server.route("GET /apis/apps/v1beta1", Answer::json(200, list("Deployment", "deployments")));
    server.route("GET /apis/down/v1", Answer::status(503, "ServiceUnavailable"));
    let discovery = Discovery::new(&server.connection());
    let pods = discovery.resolve(&Kind::new("v1", "Pod")).await.unwrap().unwrap();
    assert_eq!((&*pods.resource.plural, pods.short_names[0].as_str()), ("pods", "s"));
    assert_eq!(pods.subresource("scale").unwrap().kind, Kind::new("autoscaling/v1", "Scale"));
    let preferred = discovery.resource("apps", "deployments").await.unwrap().unwrap();
    assert_eq!(&*preferred.resource.kind.api_version, "apps/v1");
    assert!(discovery.resolve(&Kind::new("down/v1", "Down")).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_is_known_outlives_a_server_that_cannot_be_asked() {
    let server = Script::default();
    server.serve(&[WEBSITE]);
    let discovery = Discovery::new(&server.connection());
    discovery.resolve(&website()).await.unwrap();
    server.route("GET /apis", Answer::Reset);
    discovery.invalidate();
    assert!(discovery.resolve(&website()).await.unwrap().is_some());
    assert!(discovery.resolve(&Kind::new("v1", "Other")).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn m3_a_subresource_is_known_also_where_its_resource_says_no_kind_of_its_own() {
    let server = Script::default();
    server.route("GET /api", aggregated(r#"{"items":[]}"#));
    let scale = r#"{"subresource":"scale","responseKind":{"group":"autoscaling","version":"v1","kind":"Scale"},"verbs":["get","update"]}"#;
    let listed = format!(
        r#"{{"items":[{{"metadata":{{"name":"x"}},"versions":[{{"version":"v1","freshness":"Current","resources":[
            {{"resource":"bare","scope":"Namespaced","responseKind":{{"kind":""}},"subresources":[{scale}],"verbs":[]}},
            {{"resource":"xs","scope":"Namespaced","responseKind":{{"kind":"X"}},"subresources":[{scale}],"verbs":["get"]}}]}}]}}]}}"#
    );
    server.route("GET /apis", aggregated(&listed));
    let discovery = Discovery::new(&server.connection());
    let found = discovery.resolve(&Kind::new("x/v1", "X")).await.unwrap().unwrap();
    assert_eq!(found.subresource("scale").unwrap().verbs, ["get", "update"]);
    assert!(discovery.snapshot().await.unwrap().all().count() >= 1, "the bare one takes no other along");
}

#[tokio::test(start_paused = true)]
async fn m6_the_plural_is_what_the_server_says_however_odd() {
    let server = Script::default();
    server.serve(&[("example.com/v1", "feet-of-geese", "Goosefoot", true)]);
    let connection = server.connection();
    let discovery = Discovery::new(&connection);
    let kind = Kind::new("example.com/v1", "Goosefoot");
    let client = crate::client::Client::new(&connection, discovery, crate::client::Settings::default());
    let action = windlass_core::call::Action::Get {
        name: windlass_core::name::ObjectName::namespaced("n", "a"),
        shape: windlass_core::call::Shape::Whole,
    };
    server.push(Answer::status(404, "NotFound"));
    drop(client.call(&windlass_core::call::Call { kind, subresource: None, action }).await);
    assert_eq!(server.seen()[0].line, "GET /apis/example.com/v1/namespaces/n/feet-of-geese/a");
}
