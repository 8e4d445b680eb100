//! Asks a module what it is, and checks what it says.

use crate::{
    bindings::windlass::controller::{module as said, types},
    host::{Host, Terms},
    instance::ask_description,
    module::Module,
    text::plain,
};
use std::{fmt, sync::Arc};
use windlass_core::{
    description::{
        Controller, Description, Index, Lookup, Permission, Predicate, Relation, Selection, Watch,
    },
    field_path::FieldPath,
    name::Kind,
    outcome::Trap,
    selector::Selector,
};

/// Why a module could not be described.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DescribeError {
    /// It died.
    #[error("the module died while describing itself ({}): {}", .0.kind.as_str(), .0.message)]
    Trapped(Trap),
    /// What it says is wrong: everything, each with its place.
    #[error("the module's description is wrong: {}", Lines(.0))]
    Wrong(Vec<String>),
}

/// Faults told in one message.
const FAULTS_MAX: usize = 20;
/// Bytes of one fault; it repeats what the guest wrote.
const FAULT_BYTES_MAX: usize = 1_000;

struct Lines<'a>(&'a [String]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, line) in self.0.iter().take(FAULTS_MAX).enumerate() {
            if at > 0 {
                f.write_str("; ")?;
            }
            f.write_str(line)?;
        }
        if self.0.len() > FAULTS_MAX {
            write!(f, "; and {} more", self.0.len() - FAULTS_MAX)?;
        }
        Ok(())
    }
}

/// Asks a module what it is, in a fresh instance under the limits of its terms. The module may read its settings and
/// write to the log; everything else is refused it. To be asked again when the settings change.
///
/// # Errors
/// When it dies, or when what it says does not hold together.
pub async fn describe(
    module: &Module,
    terms: Arc<Terms>,
    host: Arc<dyn Host>,
) -> Result<Description, DescribeError> {
    let said = ask_description(module, terms, host).await.map_err(DescribeError::Trapped)?;
    let mut reader = Reader::default();
    let description = reader.description(said);
    if reader.faults.is_empty()
        && let Err(faults) = description.validate()
    {
        reader.faults = faults.iter().map(|fault| plain(&fault.to_string(), FAULT_BYTES_MAX)).collect();
    }
    if reader.faults.is_empty() { Ok(description) } else { Err(DescribeError::Wrong(reader.faults)) }
}

/// Turns the contract's words into core's; collects what does not parse instead of stopping at the first.
#[derive(Default)]
struct Reader {
    faults: Vec<String>,
}

impl Reader {
    fn description(&mut self, said: said::Description) -> Description {
        let finalizers = said.finalizers;
        Description {
            title: plain(&said.title, 200),
            version: plain(&said.version, 100),
            controllers: said.controllers.into_iter().map(|one| self.controller(one)).collect(),
            indexes: said.indexes.into_iter().filter_map(|one| self.index(one)).collect(),
            permissions: said.permissions.into_iter().map(permission).collect(),
            definitions: said.definitions,
            finalizers,
            settings_schema: said.settings_schema,
        }
    }

    fn controller(&mut self, said: said::Controller) -> Controller {
        let place = format!("controller `{}`", said.name);
        Controller {
            reconciles: kind(&said.reconciles),
            selection: self.selection(&place, said.selection),
            predicates: self.predicates(&place, said.predicates),
            watches: said.watches.into_iter().filter_map(|one| self.watch(&place, one)).collect(),
            name: said.name.into(),
        }
    }

    fn watch(&mut self, place: &str, said: said::Watch) -> Option<Watch> {
        let place = format!("{place}, watch `{}`", said.name);
        let selection = self.selection(&place, said.selection);
        let predicates = self.predicates(&place, said.predicates);
        Some(Watch {
            kind: kind(&said.kind),
            selection,
            relation: self.relation(&place, said.relation)?,
            predicates,
            metadata_only: said.metadata_only,
            name: said.name.into(),
        })
    }

    fn selection(&mut self, place: &str, said: said::Selection) -> Selection {
        let mut namespaces: Vec<Arc<str>> = said.namespaces.into_iter().map(Into::into).collect();
        namespaces.sort();
        namespaces.dedup();
        let labels = said.label_selector.filter(|text| !text.trim().is_empty());
        let labels = labels.and_then(|text| {
            self.keep(place, "label selector", Selector::parse(&text).map_err(|e| e.to_string()))
        });
        let fields = said.field_selector.filter(|text| !text.trim().is_empty()).map(Into::into);
        Selection { namespaces, labels, fields }
    }

    fn predicates(&mut self, place: &str, said: Vec<said::Predicate>) -> Vec<Predicate> {
        let one = |said| match said {
            said::Predicate::Generation => Some(Predicate::Generation),
            said::Predicate::Labels => Some(Predicate::Labels),
            said::Predicate::Annotations => Some(Predicate::Annotations),
            said::Predicate::Field(path) => self.path(place, "predicate", &path).map(Predicate::Field),
        };
        said.into_iter().filter_map(one).collect()
    }

    fn relation(&mut self, place: &str, said: said::Relation) -> Option<Relation> {
        Some(match said {
            said::Relation::Controlled => Relation::Controlled,
            said::Relation::Owned => Relation::Owned,
            said::Relation::Mapped => Relation::Mapped,
            said::Relation::Labelled(lookup) => Relation::Labelled(key_lookup(lookup)),
            said::Relation::Annotated(lookup) => Relation::Annotated(key_lookup(lookup)),
            said::Relation::Referenced(lookup) => {
                let name = self.path(place, "relation `referenced`, name", &lookup.name);
                let namespace = match lookup.namespace {
                    None => None,
                    Some(path) => Some(self.path(place, "relation `referenced`, namespace", &path)?),
                };
                Relation::Referenced(Lookup { name: name?, namespace })
            }
        })
    }

    fn index(&mut self, said: said::Index) -> Option<Index> {
        let field = self.path(&format!("index `{}`", said.name), "field", &said.field)?;
        Some(Index { name: said.name.into(), kind: kind(&said.kind), field })
    }

    fn path(&mut self, place: &str, what: &str, text: &str) -> Option<FieldPath> {
        self.keep(place, what, FieldPath::parse(text).map_err(|error| error.to_string()))
    }

    fn keep<T>(&mut self, place: &str, what: &str, parsed: Result<T, String>) -> Option<T> {
        parsed
            .map_err(|fault| self.faults.push(plain(&format!("{place}, {what}: {fault}"), FAULT_BYTES_MAX)))
            .ok()
    }
}

fn key_lookup(said: said::Lookup) -> Lookup<Box<str>> {
    Lookup { name: said.name.into(), namespace: said.namespace.map(Into::into) }
}

fn permission(said: said::Permission) -> Permission {
    Permission {
        api_groups: said.api_groups,
        resources: said.resources,
        resource_names: said.resource_names,
        verbs: said.verbs,
    }
}

fn kind(said: &types::Kind) -> Kind {
    Kind::new(&said.api_version, &said.kind)
}
