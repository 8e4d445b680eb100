//! Which form the client wants its answer in: the `Accept` header read as kube-apiserver reads it.

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `application/json`.
    Json,
    /// `application/yaml`.
    Yaml,
    /// `application/vnd.kubernetes.protobuf`; only built-in kinds have it.
    Protobuf,
}

impl Format {
    /// The three formats in the order the server offers them.
    pub const ALL: [Self; 3] = [Self::Json, Self::Yaml, Self::Protobuf];

    /// The `Content-Type` of an answer in this format.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Yaml => "application/yaml",
            Self::Protobuf => "application/vnd.kubernetes.protobuf",
        }
    }

    fn matches(self, clause: &Clause<'_>) -> bool {
        let (main, sub) = self.media_type().split_once('/').expect("media types have two parts");
        (clause.main == "*" && clause.sub == "*")
            || (clause.main == main && (clause.sub == sub || clause.sub == "*"))
    }
}

/// What the object is turned into before it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transform {
    /// The object itself.
    #[default]
    None,
    /// `as=Table`, in the named version of `meta.k8s.io`.
    Table(MetaVersion),
    /// `as=PartialObjectMetadata`.
    Partial(MetaVersion),
    /// `as=PartialObjectMetadataList`.
    PartialList(MetaVersion),
}

/// The version of `meta.k8s.io` that a transform was asked in; both have the same fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetaVersion {
    /// `v1`.
    V1,
    /// `v1beta1`, asked for by clients older than 1.15.
    V1Beta1,
}

impl MetaVersion {
    /// `meta.k8s.io/v1` or `meta.k8s.io/v1beta1`.
    pub const fn api_version(self) -> &'static str {
        match self {
            Self::V1 => "meta.k8s.io/v1",
            Self::V1Beta1 => "meta.k8s.io/v1beta1",
        }
    }
}

/// What an endpoint can answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// Whether the kind has a protobuf encoding (custom resources have none).
    pub protobuf: bool,
    /// Whether Table and PartialObjectMetadata are served here.
    pub transforms: bool,
}

impl Offer {
    /// Objects of a built-in kind.
    pub const BUILT_IN: Self = Self { protobuf: true, transforms: true };
    /// Objects of a custom resource.
    pub const CUSTOM: Self = Self { protobuf: false, transforms: true };
    /// Answers that are always what they are, such as discovery.
    pub const PLAIN: Self = Self { protobuf: true, transforms: false };
}

/// The form an answer takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Negotiated {
    /// The format written.
    pub format: Format,
    /// The transform applied first.
    pub transform: Transform,
    /// `pretty=1` in the media type.
    pub pretty: bool,
}

/// Nothing that the client accepts can be answered: 406.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAcceptable {
    /// No media range matched; the real server answers this as plain HTTP failure with `details: {}`.
    #[error(
        "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf"
    )]
    NoneMatches,
    /// The format would do, but not what the object is to be turned into.
    #[error(
        "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf"
    )]
    NoTransform,
    /// Only protobuf is accepted, and the kind has none; the refusal itself is written in protobuf.
    #[error(
        "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf"
    )]
    NoProtobuf,
}

impl Negotiated {
    /// Plain JSON, the answer to no `Accept` at all.
    pub const JSON: Self = Self { format: Format::Json, transform: Transform::None, pretty: false };
}

/// Whether the header names one of the formats, or takes anything: paths of built-in kinds look for that before they
/// look for a form, so that `application/*` is not enough for them.
pub fn names_a_format(accept: Option<&str>) -> bool {
    let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else { return true };
    let named = |clause: &Clause<'_>| {
        let range = format!("{}/{}", clause.main, clause.sub);
        range == "*/*" || Format::ALL.iter().any(|format| format.media_type() == range)
    };
    clauses(accept).iter().any(named)
}

/// Picks the first acceptable form, by quality and then by order in the header.
///
/// # Errors
/// [`NotAcceptable`] if no clause matches what is offered.
pub fn negotiate(accept: Option<&str>, offer: Offer) -> Result<Negotiated, NotAcceptable> {
    let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else {
        return Ok(Negotiated::JSON);
    };
    let mut refused = NotAcceptable::NoneMatches;
    for clause in clauses(accept) {
        match negotiate_clause(&clause, offer) {
            Ok(negotiated) => return Ok(negotiated),
            Err(NotAcceptable::NoneMatches) => {}
            Err(other) => refused = other,
        }
    }
    Err(refused)
}

/// The form that one clause asks for.
///
/// # Errors
/// [`NotAcceptable`] if it cannot be served.
pub fn negotiate_clause(clause: &Clause<'_>, offer: Offer) -> Result<Negotiated, NotAcceptable> {
    let mut refused = NotAcceptable::NoneMatches;
    for format in Format::ALL.into_iter().filter(|format| format.matches(clause)) {
        let Some(transform) = clause.transform(format, offer) else {
            refused = NotAcceptable::NoTransform;
            continue;
        };
        if format == Format::Protobuf && !offer.protobuf && transform == Transform::None {
            refused = NotAcceptable::NoProtobuf;
            continue;
        }
        return Ok(Negotiated { format, transform, pretty: clause.pretty() });
    }
    Err(refused)
}

/// One media range of an `Accept` header.
#[derive(Debug, Clone, PartialEq)]
pub struct Clause<'a> {
    /// Before the slash; may be `*`.
    pub main: &'a str,
    /// After the slash; may be `*`.
    pub sub: &'a str,
    /// Quality, 1 if not given.
    pub quality: f32,
    /// The other parameters in order.
    pub parameters: Vec<(&'a str, &'a str)>,
}

impl<'a> Clause<'a> {
    /// The value of a parameter, if given.
    pub fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let range = parts.next()?;
        let (main, sub) = match range.split_once('/') {
            Some((main, sub)) => (main.trim(), sub.trim()),
            None if range == "*" => ("*", "*"),
            None => return None,
        };
        let mut clause = Self { main, sub, quality: 1.0, parameters: Vec::new() };
        for part in parts {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            match name.trim() {
                "q" => clause.quality = value.trim().parse().unwrap_or(1.0),
                name => clause.parameters.push((name, value.trim())),
            }
        }
        Some(clause)
    }

    fn pretty(&self) -> bool {
        self.parameter("pretty") == Some("1")
    }

    /// The transform asked for, or `None` if this clause cannot be served.
    fn transform(&self, format: Format, offer: Offer) -> Option<Transform> {
        let Some(target) = self.parameter("as") else {
            return (self.parameter("g").is_none() && self.parameter("v").is_none())
                .then_some(Transform::None);
        };
        if !offer.transforms || self.parameter("g") != Some("meta.k8s.io") {
            return None;
        }
        let version = match self.parameter("v")? {
            "v1" => MetaVersion::V1,
            "v1beta1" => MetaVersion::V1Beta1,
            _ => return None,
        };
        match target {
            "Table" if format != Format::Protobuf => Some(Transform::Table(version)),
            "PartialObjectMetadata" => Some(Transform::Partial(version)),
            "PartialObjectMetadataList" => Some(Transform::PartialList(version)),
            _ => None,
        }
    }

    fn rank(&self) -> (bool, bool) {
        (self.main == "*", self.sub == "*")
    }
}

/// The clauses of an `Accept` header, best first; malformed ones are passed over.
pub fn clauses(accept: &str) -> Vec<Clause<'_>> {
    let mut clauses: Vec<_> = accept.split(',').filter_map(Clause::parse).collect();
    clauses.sort_by(|a, b| b.quality.total_cmp(&a.quality).then_with(|| a.rank().cmp(&b.rank())));
    clauses
}

#[cfg(test)]
mod tests {
    use super::{Format, MetaVersion::V1, Negotiated, NotAcceptable, Offer, Transform, negotiate};

    const KUBECTL_GET: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,\
                               application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";

    fn check(accept: &str, offer: Offer, want: Result<(Format, Transform), NotAcceptable>) {
        let want = want.map(|(format, transform)| Negotiated { format, transform, pretty: false });
        assert_eq!(negotiate(Some(accept), offer), want, "{accept}");
    }

    #[test]
    fn the_best_acceptable_form_is_chosen() {
        let table = Transform::Table(V1);
        check("", Offer::BUILT_IN, Ok((Format::Json, Transform::None)));
        check("*/*", Offer::BUILT_IN, Ok((Format::Json, Transform::None)));
        check("application/*", Offer::CUSTOM, Ok((Format::Json, Transform::None)));
        check("application/yaml", Offer::BUILT_IN, Ok((Format::Yaml, Transform::None)));
        check(
            "application/json;q=0.1, application/yaml;q=0.9",
            Offer::BUILT_IN,
            Ok((Format::Yaml, Transform::None)),
        );
        check("*/*, application/yaml", Offer::BUILT_IN, Ok((Format::Yaml, Transform::None)));
        check(KUBECTL_GET, Offer::BUILT_IN, Ok((Format::Json, table)));
        check(KUBECTL_GET, Offer::PLAIN, Ok((Format::Json, Transform::None)));
        check(
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
            Offer::CUSTOM,
            Ok((Format::Json, Transform::PartialList(V1))),
        );
        let both = "application/vnd.kubernetes.protobuf,application/json";
        check(both, Offer::BUILT_IN, Ok((Format::Protobuf, Transform::None)));
        check(both, Offer::CUSTOM, Ok((Format::Json, Transform::None)));
    }

    #[test]
    fn what_cannot_be_answered_is_refused() {
        check("text/html", Offer::BUILT_IN, Err(NotAcceptable::NoneMatches));
        check("nonsense", Offer::BUILT_IN, Err(NotAcceptable::NoneMatches));
        check(
            "application/json;as=Table;v=v2;g=meta.k8s.io",
            Offer::BUILT_IN,
            Err(NotAcceptable::NoTransform),
        );
        let protobuf_table = "application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io";
        check(protobuf_table, Offer::BUILT_IN, Err(NotAcceptable::NoTransform));
        check("application/vnd.kubernetes.protobuf", Offer::CUSTOM, Err(NotAcceptable::NoProtobuf));
    }
}
