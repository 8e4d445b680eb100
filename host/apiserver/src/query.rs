//! The query of a request, decoded once, and the option types it stands for.

pub use crate::schema::FieldValidation;
use crate::status::{ApiError, Cause};

/// Decoded `key=value` pairs in order.
#[derive(Debug, Clone, Default)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Reads what stands after the `?`.
    pub fn parse(text: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(text.unwrap_or_default().as_bytes());
        Self { pairs: pairs.map(|(key, value)| (key.into_owned(), value.into_owned())).collect() }
    }

    /// The first value of a key, empty if it is missing.
    pub fn get(&self, key: &str) -> &str {
        self.pairs.iter().find(|(held, _)| held == key).map_or("", |(_, value)| value)
    }

    /// Every value of a key.
    pub fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(held, _)| held == key).map(|(_, value)| value.as_str())
    }

    /// Whether the key is there, with or without a value.
    pub fn has(&self, key: &str) -> bool {
        self.pairs.iter().any(|(held, _)| held == key)
    }

    /// A truth value as the API reads it: absent is false; present is true but for `false` and `0`.
    pub fn flag(&self, key: &str) -> bool {
        self.optional_flag(key).unwrap_or(false)
    }

    /// Like [`Query::flag`], but absent is `None`.
    pub fn optional_flag(&self, key: &str) -> Option<bool> {
        self.has(key).then(|| !matches!(self.get(key).to_ascii_lowercase().as_str(), "false" | "0"))
    }
}

/// What creates, updates and patches have in common.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// Check everything, keep nothing.
    pub dry_run: bool,
    /// Who is to own the fields written.
    pub field_manager: String,
    /// See [`FieldValidation`].
    pub field_validation: FieldValidation,
    /// Take over the fields of others; apply only.
    pub force: bool,
    /// The object carries its field owners already, as apply has worked them out.
    pub owners_settled: bool,
    /// Who asks, as a certificate signing request names them: `username`, `uid`, `groups`.
    pub requester: serde_json::Value,
}

impl WriteOptions {
    /// Reads them; `kind` (`CreateOptions`…) is named in errors.
    pub fn parse(query: &Query, kind: &str) -> Result<Self, ApiError> {
        let mut options = Self {
            field_manager: query.get("fieldManager").to_owned(),
            force: query.flag("force"),
            ..Self::default()
        };
        let mut causes = Vec::new();
        if options.field_manager.len() > 128 {
            let message = "Too long: may not be more than 128 bytes";
            causes.push(Cause::of("FieldValueTooLong", message, "fieldManager"));
        }
        if let Some(letter) = options.field_manager.chars().find(|letter| letter.is_control()) {
            let shown = format!("{:?}", options.field_manager);
            let why = format!("should only contain printable characters: {letter:?}");
            causes.push(Cause::invalid("fieldManager", &shown, &why));
        }
        match dry_run_or_cause(query.all("dryRun")) {
            Ok(dry_run) => options.dry_run = dry_run,
            Err(cause) => causes.push(cause),
        }
        options.field_validation = match query.get("fieldValidation") {
            "" | "Warn" => FieldValidation::Warn,
            "Ignore" => FieldValidation::Ignore,
            "Strict" => FieldValidation::Strict,
            other => {
                let shown = format!("\"{other}\"");
                let supported = ["", "Ignore", "Strict", "Warn"];
                causes.push(Cause::not_supported("fieldValidation", &shown, &supported));
                FieldValidation::Warn
            }
        };
        if !causes.is_empty() {
            return Err(ApiError::invalid("meta.k8s.io", kind, "", causes));
        }
        Ok(options)
    }
}

/// Checks `dryRun` values: none, or `All` only.
pub fn dry_run<'a>(values: impl Iterator<Item = &'a str>, kind: &str) -> Result<bool, ApiError> {
    dry_run_or_cause(values).map_err(|cause| ApiError::invalid_options(kind, cause))
}

fn dry_run_or_cause<'a>(values: impl Iterator<Item = &'a str>) -> Result<bool, Cause> {
    let values: Vec<&str> = values.filter(|value| !value.is_empty()).collect();
    if values.iter().all(|value| *value == "All") {
        return Ok(!values.is_empty());
    }
    let shown: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
    Err(Cause::not_supported("dryRun", &format!("[{}]", shown.join(",")), &["All"]))
}

/// What lists and watches ask for.
#[derive(Debug, Clone, Default)]
pub struct ListOptions {
    /// Label selector as sent.
    pub label_selector: String,
    /// Field selector as sent.
    pub field_selector: String,
    /// `resourceVersion` as sent.
    pub resource_version: String,
    /// `resourceVersionMatch`.
    pub version_match: String,
    /// Objects wanted at most; 0 is all.
    pub limit: usize,
    /// Token of the page before.
    pub continue_token: String,
    /// Whether bookmarks are understood; watch only.
    pub bookmarks: bool,
    /// `sendInitialEvents`, if given.
    pub initial_events: Option<bool>,
    /// `timeoutSeconds`, 0 if not given.
    pub timeout_seconds: u64,
}

impl ListOptions {
    /// Reads them; numbers that are none are refused.
    pub fn parse(query: &Query) -> Result<Self, ApiError> {
        Ok(Self {
            label_selector: query.get("labelSelector").to_owned(),
            field_selector: query.get("fieldSelector").to_owned(),
            resource_version: query.get("resourceVersion").to_owned(),
            version_match: query.get("resourceVersionMatch").to_owned(),
            limit: usize::try_from(number(query, "limit")?).unwrap_or_default(),
            continue_token: query.get("continue").to_owned(),
            bookmarks: query.flag("allowWatchBookmarks"),
            initial_events: query.optional_flag("sendInitialEvents"),
            timeout_seconds: u64::try_from(number(query, "timeoutSeconds")?).unwrap_or_default(),
        })
    }

    /// Checks the combinations that the real server checks, for a list or a watch.
    pub fn check(&self, watch: bool) -> Result<(), ApiError> {
        let causes = if watch { self.problems_of_watch() } else { self.problems_of_list() };
        if causes.is_empty() {
            return Ok(());
        }
        Err(ApiError::invalid("meta.k8s.io", "ListOptions", "", causes))
    }

    fn problems_of_list(&self) -> Vec<Cause> {
        let mut causes = Vec::new();
        let mut forbid = |why: &str| causes.push(Cause::forbidden(MATCH, why));
        if !self.version_match.is_empty() {
            if self.resource_version.is_empty() {
                forbid("resourceVersionMatch is forbidden unless resourceVersion is provided");
            }
            if !self.continue_token.is_empty() {
                forbid("resourceVersionMatch is forbidden when continue is provided");
            }
            if self.version_match == "Exact" && self.resource_version == "0" {
                forbid("resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
            }
            causes.extend(self.unknown_match());
        }
        if self.initial_events.is_some() {
            causes.push(Cause::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
        }
        causes
    }

    fn problems_of_watch(&self) -> Vec<Cause> {
        let mut causes = Vec::new();
        let mut forbid = |why: &str| causes.push(Cause::forbidden(MATCH, why));
        let not_older = self.version_match == "NotOlderThan";
        if self.initial_events.is_some() && !not_older {
            forbid("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
        }
        if self.version_match.is_empty() {
            return causes;
        }
        if self.initial_events.is_none() {
            forbid("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
        }
        if !self.continue_token.is_empty() {
            forbid("resourceVersionMatch is forbidden when continue is provided");
        }
        if !not_older {
            let shown = format!("\"{}\"", self.version_match);
            causes.push(Cause::not_supported(MATCH, &shown, &["NotOlderThan"]));
        }
        causes
    }

    fn unknown_match(&self) -> Option<Cause> {
        let known = matches!(&*self.version_match, "Exact" | "NotOlderThan");
        let shown = format!("\"{}\"", self.version_match);
        (!known).then(|| Cause::not_supported(MATCH, &shown, &["Exact", "NotOlderThan", ""]))
    }
}

const MATCH: &str = "resourceVersionMatch";

fn number(query: &Query, key: &str) -> Result<i64, ApiError> {
    match query.get(key) {
        "" => Ok(0),
        text => text.parse().map_err(|_| {
            ApiError::bad_request(format!("strconv.ParseInt: parsing \"{text}\": invalid syntax"))
        }),
    }
}
