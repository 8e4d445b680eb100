//! Which groups, versions and resources there are, in both forms: one document per group and version, and the
//! aggregated one that current clients ask for.
//!
//! Everything is made from the [`ResourceDefinition`]s that are served, built-in ones first; the documents are
//! pure functions of that list, so whoever serves them may keep them until it changes.

mod aggregated;
mod legacy;

use std::{cmp::Ordering, sync::Arc};

use sha2::{Digest, Sha512};

pub use aggregated::{AGGREGATED_CONTENT_TYPE, aggregated};
pub use legacy::{api_versions, group, group_list, resource_list};

use crate::{
    resource::ResourceDefinition,
    wire::accept::{self, Negotiated, NotAcceptable, Offer},
};

/// The form in which a client wants `/api` or `/apis`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// All groups with their resources in one document, as JSON.
    Aggregated,
    /// The names of groups only.
    Legacy(Negotiated),
}

/// Picks the form by `Accept`.
///
/// # Errors
/// [`NotAcceptable`] if neither form fits.
pub fn negotiate(accept: Option<&str>) -> Result<Form, NotAcceptable> {
    for clause in accept::clauses(accept.unwrap_or_default()) {
        let is_json = (clause.main, clause.sub) == ("application", "json");
        if is_json && clause.parameter("as") == Some("APIGroupDiscoveryList") {
            let of = (clause.parameter("g"), clause.parameter("v"));
            if of == (Some("apidiscovery.k8s.io"), Some("v2")) {
                return Ok(Form::Aggregated);
            }
        } else if let Ok(negotiated) = accept::negotiate_clause(&clause, Offer::PLAIN) {
            return Ok(Form::Legacy(negotiated));
        }
    }
    accept::negotiate(accept, Offer::PLAIN).map(Form::Legacy)
}

/// The `ETag` of a document, quotes included.
pub fn etag(body: &[u8]) -> String {
    format!("\"{:X}\"", Sha512::digest(body))
}

/// Whether `If-None-Match` names this `ETag`, so that 304 without a body is the answer.
pub fn is_unchanged(if_none_match: Option<&str>, etag: &str) -> bool {
    if_none_match
        .unwrap_or_default()
        .split(',')
        .any(|known| matches!(known.trim(), "*") || known.trim() == etag)
}

/// A group version with its resources.
struct Version<'a> {
    version: &'a str,
    resources: Vec<&'a ResourceDefinition>,
}

/// A group with its versions, the preferred one first.
struct Group<'a> {
    name: &'a str,
    versions: Vec<Version<'a>>,
}

/// Groups in the order of the aggregator: built-in ones as recorded, others by name.
fn groups(definitions: &[Arc<ResourceDefinition>]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for definition in definitions {
        let at = groups.iter().position(|group| group.name == definition.group).unwrap_or_else(|| {
            groups.push(Group { name: &definition.group, versions: Vec::new() });
            groups.len() - 1
        });
        let versions = &mut groups[at].versions;
        match versions.iter_mut().find(|version| version.version == definition.version) {
            Some(version) => version.resources.push(definition),
            None => versions.push(Version { version: &definition.version, resources: vec![definition] }),
        }
    }
    let is_custom = |group: &Group<'_>| group.versions[0].resources[0].custom().is_some();
    groups.sort_by(|a, b| match (is_custom(a), is_custom(b)) {
        (true, true) => a.name.cmp(b.name),
        (custom_a, custom_b) => custom_a.cmp(&custom_b),
    });
    for group in groups.iter_mut().filter(|group| is_custom(group)) {
        group.versions.sort_by(|a, b| compare_versions(b.version, a.version));
        for version in &mut group.versions {
            version.resources.sort_by(|a, b| a.plural.cmp(&b.plural));
        }
    }
    groups
}

/// Orders version names as Kubernetes prefers them: `v2` over `v1` over `v1beta2` over `v1alpha1` over others,
/// which count as less the later they stand in the alphabet.
pub fn compare_versions(a: &str, b: &str) -> Ordering {
    match (version_rank(a), version_rank(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Greater,
        (None, Some(_)) => Ordering::Less,
        (None, None) => b.cmp(a),
    }
}

/// (stability, major, minor) of `v1`, `v1beta2` or `v1alpha3`.
fn version_rank(version: &str) -> Option<(u8, u64, u64)> {
    let rest = version.strip_prefix('v')?;
    for (word, stability) in [("alpha", 0), ("beta", 1)] {
        if let Some((major, minor)) = rest.split_once(word) {
            return Some((stability, positive(major)?, positive(minor)?));
        }
    }
    Some((2, positive(rest)?, 0))
}

fn positive(digits: &str) -> Option<u64> {
    (!digits.starts_with(['0', '+'])).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::{Form, compare_versions, etag, is_unchanged, negotiate};
    use crate::wire::accept::{Format, Negotiated};

    #[test]
    fn versions_are_ordered_by_stability_then_number() {
        let mut versions = ["foo10", "v1alpha1", "v11", "v1beta1", "v2", "foo1", "v1", "v10beta3", "v01"];
        versions.sort_by(|a, b| compare_versions(b, a));
        assert_eq!(versions, ["v11", "v2", "v1", "v10beta3", "v1beta1", "v1alpha1", "foo1", "foo10", "v01"]);
    }

    #[test]
    fn clients_get_the_form_they_ask_for() {
        let kubectl = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                       application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
        assert_eq!(negotiate(Some(kubectl)), Ok(Form::Aggregated));
        let legacy = |format| Ok(Form::Legacy(Negotiated { format, ..Negotiated::JSON }));
        assert_eq!(negotiate(None), legacy(Format::Json));
        assert_eq!(negotiate(Some("application/json, */*")), legacy(Format::Json));
        assert_eq!(negotiate(Some("application/yaml")), legacy(Format::Yaml));
        let old =
            "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
        assert_eq!(negotiate(Some(old)), legacy(Format::Json));
        assert!(negotiate(Some("text/html")).is_err());
    }

    #[test]
    fn an_unchanged_document_is_known_by_its_etag() {
        let tag = etag(b"x");
        assert!(is_unchanged(Some(&format!("\"A\", {tag}")), &tag));
        assert!(!is_unchanged(Some("\"A\""), &tag));
        assert!(!is_unchanged(None, &tag));
    }
}
