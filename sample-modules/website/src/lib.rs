//! Keeps a Deployment, a Service and a ConfigMap for each Website, and tells in its status how it stands.

mod objects;

use serde::{Deserialize, Serialize};
use windlass::{
    Condition, Context, Finalized, Manifest as _, Object, ObjectMeta, Outcome, Permission, Resource, Result,
    finalize, info, set_condition,
};

/// Holds a Website until its end has been recorded.
const FINALIZER: &str = "example.windlass.dev/farewell";

/// A page, served by replicas of a web server.
#[derive(Clone, Debug, Deserialize, Serialize, Resource)]
#[resource("example.windlass.dev/v1/Website")]
pub struct Website {
    /// Name, namespace and the rest.
    pub metadata: ObjectMeta,
    /// What is wanted.
    pub spec: WebsiteSpec,
    /// What is.
    #[serde(default)]
    pub status: WebsiteStatus,
}

/// What is wanted of a Website; the CRD gives defaults and limits.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct WebsiteSpec {
    /// The web server's image.
    pub image: String,
    /// How many servers.
    pub replicas: i32,
    /// The name under which the site is reached.
    pub hostname: String,
    /// The page.
    pub content: String,
}

/// How a Website stands.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WebsiteStatus {
    /// The generation that the rest is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// How many servers are ready.
    pub ready_replicas: i32,
    /// `Ready`, for now.
    pub conditions: Vec<Condition>,
}

/// Applies what the Website consists of, then writes its status if that is another one than before. Its own
/// status does not wake it, and of a Deployment only what could need mending or telling.
#[windlass::controller(
    on("generation"),
    watches(
        "apps/v1/Deployment",
        controlled,
        on("generation", "labels", ".metadata.ownerReferences", ".status.readyReplicas")
    ),
    owns("v1/Service", "v1/ConfigMap")
)]
pub fn website(ctx: &Context, mut site: Website) -> Result<Outcome> {
    if finalize(ctx, &mut site, FINALIZER, farewell)? == Finalized::Going {
        return Ok(Outcome::done());
    }
    ctx.apply(&objects::config_map(&site)?)?;
    ctx.apply(&objects::service(&site)?)?;
    let deployment = ctx.apply(&objects::deployment(&site)?)?;

    let status = status_of(ctx, &site, &deployment);
    if status != site.status {
        tell(ctx, &site, &status);
        ctx.apply_status(&site, &status)?;
    }
    Ok(Outcome::done())
}

fn status_of(ctx: &Context, site: &Website, deployment: &Object) -> WebsiteStatus {
    let ready = deployment.i64_at("/status/readyReplicas").unwrap_or(0);
    let ready = i32::try_from(ready).unwrap_or(i32::MAX);
    let wanted = site.spec.replicas;
    let up = ready >= wanted;
    let reason = if up { "AllReplicasReady" } else { "WaitingForReplicas" };
    let condition = Condition::new("Ready", up, reason, format!("{ready} of {wanted} replicas are ready"))
        .of_generation(site.metadata.generation);

    let mut status = site.status.clone();
    status.observed_generation = site.metadata.generation;
    status.ready_replicas = ready;
    set_condition(&mut status.conditions, condition, ctx.now());
    status
}

/// Events for what people look for: the site is there, it has another form, it is ready.
fn tell(ctx: &Context, site: &Website, status: &WebsiteStatus) {
    let hostname = &site.spec.hostname;
    match site.status.observed_generation {
        None => ctx.normal(site, "Created", "Apply", format!("{hostname} is being set up")),
        before if before != status.observed_generation => {
            ctx.normal(site, "Updated", "Apply", format!("{hostname} is being changed"));
        }
        _ => {}
    }
    let is_ready =
        |status: &WebsiteStatus| status.conditions.iter().any(|one| one.r#type == "Ready" && one.is_true());
    if is_ready(status) && !is_ready(&site.status) {
        ctx.normal(
            site,
            "Ready",
            "Observe",
            format!("{hostname} is served by {} replicas", status.ready_replicas),
        );
    }
}

/// Records the end; the objects go with their owner.
fn farewell(ctx: &Context, site: &Website) -> Result<()> {
    let note = match site.metadata.creation_timestamp {
        Some(since) => format!("{} is gone after {} s", site.spec.hostname, ctx.now().since(since).as_secs()),
        None => format!("{} is gone", site.spec.hostname),
    };
    info!("{}: {note}", site.object_name());
    ctx.normal(site, "Ended", "Finalize", note);
    Ok(())
}

windlass::module! {
    controllers: [website],
    title: "Website",
    definitions: [windlass::definition!("crds/websites.yaml")],
    finalizers: [FINALIZER],
    permissions: [
        Permission::new("example.windlass.dev", "websites, websites/status", "patch"),
        // To be an owner that its objects wait for.
        Permission::new("example.windlass.dev", "websites/finalizers", "update"),
        Permission::new("apps", "deployments", "create, patch"),
        Permission::new("", "services, configmaps", "create, patch"),
    ],
}

#[cfg(test)]
mod tests;
