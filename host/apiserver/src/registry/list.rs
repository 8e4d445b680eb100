//! Lists: selectors, versions, pages.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::{Place, Registry, store_error};
use crate::catalog::Resource;
use crate::query::ListOptions;
use crate::selector::Selector;
use crate::status::{ApiError, Cause, Details, reason};
use crate::store::{Listing, StoreError, Stored};

/// A list, or a page of one.
#[derive(Debug)]
pub struct List {
    /// What the items are of.
    pub resource: Arc<Resource>,
    /// The objects, in their storage version.
    pub items: Vec<Arc<Stored>>,
    /// The version the list is of.
    pub version: u64,
    /// Where the next page begins; empty on the last.
    pub continue_token: String,
    /// How many objects follow this page, where that is known.
    pub remaining: Option<u64>,
}

/// What a continue token says; the form is the real server's.
#[derive(Debug, Serialize, Deserialize)]
struct Token {
    v: String,
    rv: i64,
    start: String,
}

const TOKEN_VERSION: &str = "meta.k8s.io/v1";

impl Registry {
    /// Lists what a place and options select.
    pub fn list(&self, place: &Place, options: &ListOptions) -> Result<List, ApiError> {
        let definition = &place.resource.definition;
        let selector = Selector::parse(definition, &options.label_selector, &options.field_selector)?;
        let prefix = prefix(place);
        let wanted = Wanted::of(options, &prefix)?;
        let current = self.store().version();
        if wanted.at_least > current {
            return Err(too_large_version(wanted.at_least, current));
        }
        let everything = selector.is_everything();
        let listing = Listing {
            prefix: &prefix,
            start: wanted.start.as_deref(),
            version: wanted.version,
            limit: if everything { wanted.limit } else { 0 },
        };
        let listed = self.inner.store.list(&place.resource.store_name, listing);
        let mut page = listed.map_err(|error| list_error(place, error, &wanted, current))?;
        if !everything {
            select(&mut page.items, &mut page.remaining, &selector, wanted.limit);
        }
        let continue_token = match page.items.last() {
            Some(last) if page.remaining > 0 => token(page.version, &last.key[prefix.len()..]),
            _ => String::new(),
        };
        let remaining = (page.remaining > 0 && everything).then_some(page.remaining as u64);
        let resource = Arc::clone(&place.resource);
        Ok(List { resource, items: page.items, version: page.version, continue_token, remaining })
    }
}

/// Keeps what matches, up to the limit. What follows the last is not looked at, so it counts whether it matches or not, as
/// in the real server.
fn select(items: &mut Vec<Arc<Stored>>, remaining: &mut usize, selector: &Selector, limit: usize) {
    let mut kept = 0;
    *remaining = 0;
    items.retain(|object| {
        if limit > 0 && kept == limit {
            *remaining += 1;
            return false;
        }
        let matches = selector.matches(object);
        kept += usize::from(matches);
        matches
    });
}

/// The keys of a place: one namespace, or all.
pub(super) fn prefix(place: &Place) -> String {
    if place.namespace.is_empty() || !place.resource.definition.namespaced {
        String::new()
    } else {
        format!("{}/", place.namespace)
    }
}

struct Wanted {
    version: Option<u64>,
    start: Option<String>,
    limit: usize,
    continued: bool,
    /// The state must have reached this version.
    at_least: u64,
}

impl Wanted {
    fn of(options: &ListOptions, prefix: &str) -> Result<Self, ApiError> {
        let version = parse_version(&options.resource_version)?;
        let mut wanted =
            Self { version: None, start: None, limit: options.limit, continued: false, at_least: 0 };
        if !options.continue_token.is_empty() {
            if !matches!(version, None | Some(0)) {
                return Err(ApiError::bad_request(
                    "specifying resource version is not allowed when using continue",
                ));
            }
            let token = parse_token(&options.continue_token)?;
            wanted.version = u64::try_from(token.rv).ok().filter(|version| *version > 0);
            wanted.start = Some(format!("{prefix}{}", token.start.trim_start_matches('/')));
            wanted.continued = true;
            return Ok(wanted);
        }
        match (version, &*options.version_match) {
            // Any cached state is good, and the whole of it is given.
            (Some(0), _) => wanted.limit = 0,
            (Some(version), "Exact") => wanted.version = Some(version),
            (Some(version), "") if options.limit > 0 => wanted.version = Some(version),
            (Some(version), _) => wanted.at_least = version,
            (None, _) => {}
        }
        Ok(wanted)
    }
}

/// `resourceVersion` as a number; empty is none.
pub(crate) fn parse_version(text: &str) -> Result<Option<u64>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        ApiError::bad_request(format!(
            "invalid resource version: resourceVersion: Invalid value: \"{text}\": strconv.ParseUint: parsing \"{text}\": invalid syntax"
        ))
    })
}

fn token(version: u64, last: &str) -> String {
    let rv = i64::try_from(version).unwrap_or(i64::MAX);
    let token = Token { v: TOKEN_VERSION.into(), rv, start: format!("/{last}\0") };
    BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&token).unwrap_or_default())
}

fn parse_token(text: &str) -> Result<Token, ApiError> {
    let refuse = |why: &str| {
        ApiError::bad_request(format!("invalid continue token: continue key is not valid: {why}"))
    };
    let decoded = BASE64_URL_SAFE_NO_PAD.decode(text.trim_end_matches('='));
    let decoded = decoded.map_err(|_| refuse("illegal base64 data at input byte 0"))?;
    let token: Token = serde_json::from_slice(&decoded).map_err(|_| {
        let first = decoded.first().map_or(' ', |byte| char::from(*byte));
        refuse(&format!("invalid character '{first}' looking for beginning of value"))
    })?;
    if token.v != TOKEN_VERSION {
        return Err(refuse(&format!("server does not recognize this encoded version \"{}\"", token.v)));
    }
    if token.start.contains("../") {
        return Err(refuse(&token.start));
    }
    Ok(token)
}

fn list_error(place: &Place, error: StoreError, wanted: &Wanted, current: u64) -> ApiError {
    match error {
        StoreError::Expired { .. } if wanted.continued => {
            let mut error = ApiError::expired(
                "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
            );
            let start = wanted.start.as_deref().unwrap_or_default();
            let token = Token { v: TOKEN_VERSION.into(), rv: -1, start: format!("/{start}") };
            let encoded = BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(&token).unwrap_or_default());
            error.0.metadata.continue_token = encoded;
            error
        }
        StoreError::Expired { .. } => {
            ApiError::expired("The resourceVersion for the provided list is too old.")
        }
        StoreError::Future { asked, .. } => too_large_version(asked, current),
        other => store_error(place, other),
    }
}

/// 504: the version asked for has not been reached.
pub(crate) fn too_large_version(asked: u64, current: u64) -> ApiError {
    let cause = Cause::of("ResourceVersionTooLarge", "Too large resource version", "");
    let details = Details { causes: vec![cause], retry_after_seconds: 1, ..Details::default() };
    let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
    ApiError::new(504, reason::TIMEOUT, message, Some(details))
}
