//! The arguments of `#[windlass::controller]`.

use syn::{
    Error, Ident, LitStr, Path, Result, Token, parenthesized,
    parse::{Parse, ParseStream},
};

/// What stands in the parentheses of the attribute.
#[derive(Default)]
pub(crate) struct Arguments {
    pub(super) name: Option<LitStr>,
    pub(super) reconciles: Option<LitStr>,
    pub(super) labels: Option<LitStr>,
    pub(super) fields: Option<LitStr>,
    pub(super) namespaces: Vec<LitStr>,
    pub(super) on: Vec<LitStr>,
    pub(super) watches: Vec<Watch>,
}

/// One kind of `owns` or `watches`.
pub(super) struct Watch {
    pub(super) kind: LitStr,
    pub(super) name: Option<LitStr>,
    pub(super) relation: Relation,
    pub(super) namespace: Option<LitStr>,
    pub(super) labels: Option<LitStr>,
    pub(super) namespaces: Vec<LitStr>,
    pub(super) on: Vec<LitStr>,
    pub(super) metadata_only: bool,
}

pub(super) enum Relation {
    Controlled,
    Owned,
    Labelled(LitStr),
    Annotated(LitStr),
    Referenced(LitStr),
    Mapped(Path),
}

impl Watch {
    fn new(kind: LitStr, relation: Relation) -> Self {
        Self {
            kind,
            name: None,
            relation,
            namespace: None,
            labels: None,
            namespaces: Vec::new(),
            on: Vec::new(),
            metadata_only: false,
        }
    }

    /// The name of the watch, as `windlass::Watch::new` makes it if none is given.
    pub(super) fn name(&self) -> String {
        self.name.as_ref().map_or_else(
            || self.kind.value().rsplit('/').next().unwrap_or_default().to_ascii_lowercase(),
            LitStr::value,
        )
    }
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut arguments = Self::default();
        while !input.is_empty() {
            let word: Ident = input.parse()?;
            match word.to_string().as_str() {
                "name" => arguments.name = Some(value(input)?),
                "reconciles" => arguments.reconciles = Some(value(input)?),
                "labels" => arguments.labels = Some(value(input)?),
                "fields" => arguments.fields = Some(value(input)?),
                "namespaces" => arguments.namespaces = texts(input)?,
                "on" => arguments.on = texts(input)?,
                "owns" => {
                    let kinds = texts(input)?.into_iter();
                    arguments.watches.extend(kinds.map(|kind| Watch::new(kind, Relation::Controlled)));
                }
                "watches" => arguments.watches.push(watch(input)?),
                other => return Err(unknown(&word, other, KNOWN)),
            }
            comma(input)?;
        }
        check_names(&arguments)?;
        Ok(arguments)
    }
}

const KNOWN: &str = "name, reconciles, labels, fields, namespaces, on, owns, watches";
const KNOWN_OF_WATCH: &str = "controlled, owned, labelled, annotated, referenced, mapped, namespace, name, labels, namespaces, on, metadata_only";

fn watch(input: ParseStream<'_>) -> Result<Watch> {
    let content;
    parenthesized!(content in input);
    let kind: LitStr = content.parse()?;
    let mut watch = Watch::new(kind, Relation::Controlled);
    let mut related = false;
    comma(&content)?;
    while !content.is_empty() {
        let word: Ident = content.parse()?;
        let relation = match word.to_string().as_str() {
            "controlled" => Some(Relation::Controlled),
            "owned" => Some(Relation::Owned),
            "labelled" => Some(Relation::Labelled(value(&content)?)),
            "annotated" => Some(Relation::Annotated(value(&content)?)),
            "referenced" => Some(Relation::Referenced(value(&content)?)),
            "mapped" => {
                content.parse::<Token![=]>()?;
                Some(Relation::Mapped(content.parse()?))
            }
            other => {
                parse_detail(&mut watch, &word, other, &content)?;
                None
            }
        };
        if let Some(relation) = relation {
            if related {
                return Err(Error::new(
                    word.span(),
                    "a watch has one relation; write `watches` twice for two",
                ));
            }
            related = true;
            watch.relation = relation;
        }
        comma(&content)?;
    }
    if !related {
        let message = "say how a change of it leads to an object of ours: controlled, owned, labelled = \"…\", \
                       annotated = \"…\", referenced = \"…\" or mapped = function";
        return Err(Error::new(watch.kind.span(), message));
    }
    Ok(watch)
}

fn parse_detail(watch: &mut Watch, word: &Ident, text: &str, content: ParseStream<'_>) -> Result<()> {
    match text {
        "name" => watch.name = Some(value(content)?),
        "namespace" => watch.namespace = Some(value(content)?),
        "labels" => watch.labels = Some(value(content)?),
        "namespaces" => watch.namespaces = texts(content)?,
        "on" => watch.on = texts(content)?,
        "metadata_only" => watch.metadata_only = true,
        other => return Err(unknown(word, other, KNOWN_OF_WATCH)),
    }
    Ok(())
}

/// Names of watches tell changes apart.
fn check_names(arguments: &Arguments) -> Result<()> {
    for (at, watch) in arguments.watches.iter().enumerate() {
        if arguments.watches[..at].iter().any(|before| before.name() == watch.name()) {
            let message =
                format!("two watches are called {:?}; give one of them another `name`", watch.name());
            return Err(Error::new(watch.kind.span(), message));
        }
    }
    Ok(())
}

fn unknown(word: &Ident, text: &str, known: &str) -> Error {
    Error::new(word.span(), format!("`{text}` is not known here; known are {known}"))
}

/// `= "text"`
fn value(input: ParseStream<'_>) -> Result<LitStr> {
    input.parse::<Token![=]>()?;
    input.parse()
}

/// `("text", …)`
fn texts(input: ParseStream<'_>) -> Result<Vec<LitStr>> {
    let content;
    parenthesized!(content in input);
    let mut texts = Vec::new();
    while !content.is_empty() {
        texts.push(content.parse()?);
        comma(&content)?;
    }
    Ok(texts)
}

fn comma(input: ParseStream<'_>) -> Result<()> {
    if input.is_empty() { Ok(()) } else { input.parse::<Token![,]>().map(drop) }
}

/// `apps/v1/Deployment` in its parts.
pub(crate) fn split_kind(literal: &LitStr) -> Result<(String, String)> {
    let text = literal.value();
    let parts: Vec<&str> = text.split('/').collect();
    let well_formed = matches!(parts.len(), 2 | 3)
        && parts.iter().all(|part| !part.is_empty())
        && parts[parts.len() - 2].starts_with('v')
        && parts[parts.len() - 1].starts_with(|first: char| first.is_ascii_uppercase());
    match text.rsplit_once('/') {
        Some((api_version, kind)) if well_formed => Ok((api_version.to_owned(), kind.to_owned())),
        _ => {
            let message = "a kind is written \"group/version/Kind\", such as \"apps/v1/Deployment\", or \
                           \"v1/ConfigMap\" for the core group";
            Err(Error::new(literal.span(), message))
        }
    }
}
