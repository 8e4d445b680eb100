//! `persistentvolumeclaim-protection-controller` and `persistentvolume-protection-controller`: a claim that a Pod uses,
//! and a volume that a claim has, end only when that does.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::follow::{self, Key, Source, own_key};
use super::workload::{PODS, all, text};
use super::{Client, Controller};
use crate::object;
use crate::status::ApiError;

pub(super) const CLAIMS: Controller =
    Controller { name: "persistentvolumeclaim-protection-controller", run: run_claims };
pub(super) const VOLUMES: Controller =
    Controller { name: "persistentvolume-protection-controller", run: run_volumes };

const CLAIM: (&str, &str, &str) = ("", "v1", "persistentvolumeclaims");
const VOLUME: (&str, &str, &str) = ("", "v1", "persistentvolumes");
/// A Pod that goes may have used a claim that is to go; its key names no claim, so claims are looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

const CLAIM_SOURCES: &[Source] = &[Source { resource: CLAIM, key: own_key }];
const VOLUME_SOURCES: &[Source] = &[Source { resource: VOLUME, key: own_key }];

fn run_claims(client: Client, stopping: CancellationToken) -> BoxFuture<'static, ()> {
    let work: follow::Work = Box::new(|client, key| release_claim(client, key).boxed());
    follow::run(client, stopping, CLAIMS.name, CLAIM_SOURCES, work).boxed()
}

fn run_volumes(client: Client, stopping: CancellationToken) -> BoxFuture<'static, ()> {
    let work: follow::Work = Box::new(|client, key| release_volume(client, key).boxed());
    follow::run(client, stopping, VOLUMES.name, VOLUME_SOURCES, work).boxed()
}

async fn release_claim(client: &Client, key: &Key) -> Result<Option<Duration>, ApiError> {
    let used = |claim: &Value| -> Result<bool, ApiError> {
        let pods = all(client, PODS, object::namespace(claim))?;
        Ok(pods.iter().any(|pod| uses(pod, object::name(claim))))
    };
    release(client, (CLAIM, key), "kubernetes.io/pvc-protection", used).await
}

async fn release_volume(client: &Client, key: &Key) -> Result<Option<Duration>, ApiError> {
    let bound = |volume: &Value| Ok(text(volume, "status.phase") == "Bound");
    release(client, (VOLUME, key), "kubernetes.io/pv-protection", bound).await
}

/// Whether a Pod that has not ended mounts the claim.
fn uses(pod: &Value, claim: &str) -> bool {
    let ended = matches!(text(pod, "status.phase"), "Succeeded" | "Failed");
    let volumes = object::at(pod, "spec.volumes").and_then(Value::as_array).into_iter().flatten();
    !ended && volumes.into_iter().any(|volume| text(volume, "persistentVolumeClaim.claimName") == claim)
}

/// Takes the finalizer from an object that is being deleted and that nothing uses.
async fn release(
    client: &Client,
    (resource, key): ((&str, &str, &str), &Key),
    finalizer: &str,
    used: impl Fn(&Value) -> Result<bool, ApiError>,
) -> Result<Option<Duration>, ApiError> {
    let place = client.place(resource, &key.namespace, &key.name)?;
    let mut held = match client.get(&place) {
        Err(error) if error.code() == 404 => return Ok(None),
        held => held?,
    };
    if object::deletion_timestamp(&held).is_none() || !object::has_finalizer(&held, finalizer) {
        return Ok(None);
    }
    if used(&held)? {
        return Ok(Some(LOOK_AGAIN));
    }
    object::remove_finalizer(&mut held, finalizer);
    let finalizers: Vec<&str> = object::finalizers(&held).collect();
    let version = object::resource_version(&held);
    let patch = json!({"metadata": {"resourceVersion": version, "finalizers": finalizers}});
    client.patch(&place, patch).await.map(|_| None)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use crate::ApiServer;
    use crate::registry::DeleteOptions;

    #[tokio::test]
    async fn a_claim_stays_until_no_pod_uses_it() {
        let server = ApiServer::builder().start().await.unwrap();
        let client = server.client();
        let claims = client.place(CLAIM, "default", "c").unwrap();
        let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "c"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
        client.create(&claims, claim).await.unwrap();
        let pods = client.place(PODS, "default", "p").unwrap();
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {
            "containers": [{"name": "c", "image": "i"}],
            "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]}});
        client.create(&pods, pod).await.unwrap();
        client.delete(&claims, &DeleteOptions::default()).await.unwrap();
        let key = Key { namespace: "default".to_owned(), name: "c".to_owned() };
        assert_eq!(release_claim(&client, &key).await.unwrap(), Some(LOOK_AGAIN));
        client.get(&claims).unwrap();
        client.delete(&pods, &DeleteOptions::default()).await.unwrap();
        release_claim(&client, &key).await.unwrap();
        assert_eq!(client.get(&claims).unwrap_err().code(), 404);
    }
}
