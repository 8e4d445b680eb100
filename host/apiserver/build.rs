//! Takes the prose of the built-in types out of k8s-openapi: what `kubectl explain` shows.
//!
//! The crate has it in code that makes schemas. In the program that code would be megabytes; packed here, it is some
//! two hundred kilobytes, and none of it stands in this repository.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write as _;
use std::{env, fs, path};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

/// Asks for the schemas of kinds; those of the types that they refer to come along.
macro_rules! ask {
    ($generator:ident: $($kind:ty),* $(,)?) => { $($generator.subschema_for::<$kind>();)* };
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let mut generator = SchemaSettings::default().into_generator();
    add_kinds(&mut generator);
    // By definition and field; a definition's own prose is that of the field without a name.
    let mut prose: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    let definitions: &Map<String, Value> = generator.definitions();
    for (name, schema) in definitions {
        let fields = schema["properties"].as_object().into_iter().flatten();
        let fields = fields.map(|(field, schema)| (field.as_str(), &schema["description"]));
        let all = fields.chain([("", &schema["description"])]);
        let said = all.filter_map(|(field, text)| Some((field, text.as_str()?))).collect();
        prose.insert(name, said);
    }
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
    serde_json::to_writer(&mut packed, &prose)?;
    packed.flush()?;
    let out = path::Path::new(&env::var("OUT_DIR")?).join("prose.bin");
    fs::write(out, packed.finish()?)?;
    Ok(())
}

fn add_kinds(generator: &mut SchemaGenerator) {
    use k8s_openapi::api::admissionregistration::v1 as admissionregistration;
    use k8s_openapi::api::apps::v1 as apps;
    use k8s_openapi::api::authentication::v1 as authentication;
    use k8s_openapi::api::authorization::v1 as authorization;
    use k8s_openapi::api::autoscaling::v1 as autoscaling;
    use k8s_openapi::api::autoscaling::v2 as autoscaling_v2;
    use k8s_openapi::api::batch::v1 as batch;
    use k8s_openapi::api::certificates::v1 as certificates;
    use k8s_openapi::api::coordination::v1 as coordination;
    use k8s_openapi::api::core::v1 as core;
    use k8s_openapi::api::discovery::v1 as discovery;
    use k8s_openapi::api::events::v1 as events;
    use k8s_openapi::api::flowcontrol::v1 as flowcontrol;
    use k8s_openapi::api::networking::v1 as networking;
    use k8s_openapi::api::node::v1 as node;
    use k8s_openapi::api::policy::v1 as policy;
    use k8s_openapi::api::rbac::v1 as rbac;
    use k8s_openapi::api::resource::v1 as resource;
    use k8s_openapi::api::scheduling::v1 as scheduling;
    use k8s_openapi::api::storage::v1 as storage;
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1 as apiextensions;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1 as meta;
    use k8s_openapi::apimachinery::pkg::version;
    use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1 as apiregistration;

    ask! { generator:
        admissionregistration::MutatingAdmissionPolicy, admissionregistration::MutatingAdmissionPolicyBinding, admissionregistration::MutatingWebhookConfiguration, admissionregistration::ValidatingAdmissionPolicy, admissionregistration::ValidatingAdmissionPolicyBinding, admissionregistration::ValidatingWebhookConfiguration,
        apps::ControllerRevision, apps::DaemonSet, apps::Deployment, apps::ReplicaSet, apps::StatefulSet,
        authentication::SelfSubjectReview, authentication::TokenRequest, authentication::TokenReview,
        authorization::LocalSubjectAccessReview, authorization::SelfSubjectAccessReview, authorization::SelfSubjectRulesReview, authorization::SubjectAccessReview,
        autoscaling::HorizontalPodAutoscaler, autoscaling::Scale,
        autoscaling_v2::HorizontalPodAutoscaler,
        batch::CronJob, batch::Job,
        certificates::CertificateSigningRequest,
        coordination::Lease,
        core::Binding, core::ComponentStatus, core::ConfigMap, core::Endpoints, core::Event, core::LimitRange, core::Namespace, core::Node, core::PersistentVolume, core::PersistentVolumeClaim, core::Pod, core::PodTemplate, core::ReplicationController, core::ResourceQuota, core::Secret, core::Service, core::ServiceAccount,
        discovery::EndpointSlice,
        events::Event,
        flowcontrol::FlowSchema, flowcontrol::PriorityLevelConfiguration,
        networking::IPAddress, networking::Ingress, networking::IngressClass, networking::NetworkPolicy, networking::ServiceCIDR,
        node::RuntimeClass,
        policy::Eviction, policy::PodDisruptionBudget,
        rbac::ClusterRole, rbac::ClusterRoleBinding, rbac::Role, rbac::RoleBinding,
        resource::DeviceClass, resource::ResourceClaim, resource::ResourceClaimTemplate, resource::ResourceSlice,
        scheduling::PriorityClass,
        storage::CSIDriver, storage::CSINode, storage::CSIStorageCapacity, storage::StorageClass, storage::VolumeAttachment, storage::VolumeAttributesClass,
        apiextensions::CustomResourceDefinition,
        version::Info,
        meta::APIGroupList, meta::APIResourceList, meta::APIVersions, meta::DeleteOptions, meta::Patch, meta::Status,
        apiregistration::APIService,
    }
}
