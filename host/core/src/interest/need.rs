//! What one version of a module follows: its reconciled kinds and its watches, narrowed to what the grant covers.

use super::{atom::Atom, relation::named_by};
use crate::{
    cache::{Cache, Fields, Namespaces, selects},
    call::Shape,
    change::ObjectChange,
    description::{Controller, Predicate, Relation, Selection},
    grant::{Grant, NamespaceLabels, Rights},
    input::Version,
    name::{Kind, ObjectName, Resource},
    object::Object,
    time::Time,
};
use std::{collections::BTreeMap, sync::Arc};

/// What discovery knows.
pub(crate) type Resources = BTreeMap<Kind, Resource>;

/// The reconciled kind of the controller that a need belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) kind: Kind,
    pub(crate) namespaced: bool,
    /// Which objects it reconciles; `namespaces` are those of the grant and the selection both.
    pub(crate) selection: Arc<Selection>,
    pub(crate) namespaces: Namespaces,
}

/// One kind that a controller follows, and what a change of it means.
#[derive(Clone, Debug)]
pub(crate) struct Need {
    pub(crate) controller: Arc<str>,
    /// None: the reconciled kind itself.
    pub(crate) watch: Option<(Arc<str>, Relation)>,
    pub(crate) kind: Kind,
    /// Only metadata is asked for, or granted.
    pub(crate) metadata: bool,
    pub(crate) predicates: Vec<Predicate>,
    pub(crate) target: Arc<Target>,
    pub(crate) selection: Selection,
    /// What has to be watched, and in which shape it is held now; empty while the kind is absent.
    pub(crate) atoms: Vec<(Atom, Option<Shape>)>,
    /// All namespaces, which the server refuses to the host: those that the grant names are followed in their place, and
    /// this is tried again and again.
    pub(crate) tried: Option<Atom>,
    /// The view its objects are in, if only the server can select them.
    pub(crate) fields: Option<Arc<str>>,
    /// The shape in which it was held before, seen until then too: changes of that view may still be under way, and the
    /// view that serves now has them already, so it will not tell them.
    pub(crate) left: Option<(Shape, Time)>,
}

/// Why a version cannot be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotGranted(pub(crate) String);

/// What the cluster lets the host follow.
#[derive(Clone, Copy)]
pub(crate) struct Offered<'a> {
    pub(crate) resources: &'a Resources,
    /// Whether the server refuses a watch.
    pub(crate) refuses: &'a dyn Fn(&Atom) -> bool,
    /// Which namespaces have which labels.
    pub(crate) labels: &'a dyn NamespaceLabels,
}

/// The needs of a version. A watch that is granted in no namespace now, but in those that get a label, has none; a
/// controller whose own kind is so has none at all.
pub(crate) fn needs(version: &Version, offered: Offered<'_>) -> Result<Vec<Need>, NotGranted> {
    let mut found = Vec::new();
    let rights = version.grant.among(offered.labels);
    for controller in &version.description.controllers {
        let target = Arc::new(target(controller, rights, offered)?);
        let plan = Followed { controller: &controller.name, target: &target, offered, rights };
        let own = (&controller.reconciles, &controller.selection, &controller.predicates);
        let mut all = vec![plan.need(own, None, false)?];
        for watch in &controller.watches {
            let followed = (&watch.kind, &watch.selection, &watch.predicates);
            let relation = Some((watch.name.clone(), watch.relation.clone()));
            all.push(plan.need(followed, relation, watch.metadata_only)?);
        }
        if !target.namespaces.is_empty() {
            found.extend(all.into_iter().flatten());
        }
    }
    // They are kept as long as the version serves.
    found.shrink_to_fit();
    Ok(found)
}

fn target(controller: &Controller, rights: Rights<'_>, offered: Offered<'_>) -> Result<Target, NotGranted> {
    let kind = controller.reconciles.clone();
    let resource = offered.resources.get(&kind);
    let namespaces = match resource {
        Some(resource) => {
            // A run is given the whole object that it reconciles.
            let all = granted(rights, resource, &controller.selection, &controller.name, Shape::Whole)?;
            let wide = Atom::new(&kind, None, &controller.selection, false);
            instead(&all, &wide, rights, resource, offered.refuses).unwrap_or(all)
        }
        None => Namespaces::All,
    };
    let narrowed = match &namespaces {
        Namespaces::All => Vec::new(),
        Namespaces::These(list) => list.clone(),
    };
    let selection = Arc::new(Selection { namespaces: narrowed, ..controller.selection.clone() });
    Ok(Target {
        kind,
        namespaced: resource.is_none_or(|resource| resource.namespaced),
        selection,
        namespaces,
    })
}

/// Where the selection may look: what it names (everything, if it names nothing) and the grant covers. Nowhere only
/// where the labels of namespaces decide.
fn granted(
    rights: Rights<'_>,
    resource: &Resource,
    selection: &Selection,
    controller: &str,
    shape: Shape,
) -> Result<Namespaces, NotGranted> {
    let namespaces = within(rights, resource, selection, shape);
    if namespaces.is_empty() && within(rights.once_labelled(), resource, selection, shape).is_empty() {
        let rule = Grant::reading_rule(resource, selection);
        return Err(NotGranted(format!(
            "controller {controller} may not watch {}; this rule in its manifest's spec.grant.rules would allow it: {rule}",
            resource.kind
        )));
    }
    Ok(namespaces)
}

fn within(rights: Rights<'_>, resource: &Resource, selection: &Selection, shape: Shape) -> Namespaces {
    let namespaces = rights.namespaces_to_follow(resource, shape);
    if !resource.namespaced || selection.namespaces.is_empty() {
        return namespaces;
    }
    let wanted = selection.namespaces.iter().filter(|one| match &namespaces {
        Namespaces::All => true,
        Namespaces::These(list) => list.contains(one),
    });
    Namespaces::These(wanted.cloned().collect())
}

/// Where to look in place of all namespaces, if the server refuses that: in those that the grant names, if it names any.
fn instead(
    granted: &Namespaces,
    wide: &Atom,
    rights: Rights<'_>,
    resource: &Resource,
    refuses: &dyn Fn(&Atom) -> bool,
) -> Option<Namespaces> {
    if *granted != Namespaces::All || !resource.namespaced || !refuses(wide) {
        return None;
    }
    let named = Namespaces::These(rights.namespaces_named(resource, wide.shape()));
    (!named.is_empty()).then_some(named)
}

/// Where the needs of one controller come from.
struct Followed<'a> {
    controller: &'a Arc<str>,
    target: &'a Arc<Target>,
    offered: Offered<'a>,
    rights: Rights<'a>,
}

impl Followed<'_> {
    fn need(
        &self,
        (kind, selection, predicates): (&Kind, &Selection, &Vec<Predicate>),
        watch: Option<(Arc<str>, Relation)>,
        metadata: bool,
    ) -> Result<Option<Need>, NotGranted> {
        let mut selection = selection.clone();
        let (mut atoms, mut tried) = (Vec::new(), None);
        let mut metadata = metadata;
        if let Some(resource) = self.offered.resources.get(kind) {
            let granted = |shape| granted(self.rights, resource, &selection, self.controller, shape);
            // A run is given the whole of what it reconciles.
            let mut namespaces = granted(if watch.is_none() { Shape::Whole } else { Shape::Metadata })?;
            if namespaces.is_empty() {
                return Ok(None);
            }
            if watch.is_some() && !metadata && granted(Shape::Whole) != Ok(namespaces.clone()) {
                // Secrets whose data is not granted everywhere here.
                metadata = true;
                if predicates.iter().any(|predicate| matches!(predicate, Predicate::Field(_))) {
                    let rule = Grant::reading_rule(resource, &selection);
                    return Err(NotGranted(format!(
                        "controller {} follows fields of {kind}, which takes `get` as well; this rule in its manifest's spec.grant.rules would allow it: {rule}",
                        self.controller
                    )));
                }
            }
            let wide = Atom::new(kind, None, &selection, metadata);
            if let Some(narrow) = instead(&namespaces, &wide, self.rights, resource, self.offered.refuses) {
                (namespaces, tried) = (narrow, Some(wide));
            }
            selection.namespaces = match namespaces {
                Namespaces::All => Vec::new(),
                Namespaces::These(list) => list,
            };
            let atom = |namespace| Atom::new(kind, namespace, &selection, metadata);
            atoms = match &selection.namespaces[..] {
                [] => vec![atom(None)],
                list => list.iter().map(|namespace| atom(Some(namespace.clone()))).collect(),
            };
        }
        Ok(Some(Need {
            controller: self.controller.clone(),
            watch,
            kind: kind.clone(),
            metadata,
            predicates: predicates.clone(),
            target: self.target.clone(),
            fields: Fields::view(selection.fields.as_ref()),
            selection,
            atoms: atoms.into_iter().map(|atom| (atom, None)).collect(),
            tried,
            left: None,
        }))
    }
}

/// Of a version's needs, that of the kind which a controller reconciles. None: it is granted nowhere, or gone.
pub(crate) fn own_of<'n>(needs: &'n [Need], controller: &str) -> Option<&'n Need> {
    needs.iter().find(|need| need.watch.is_none() && *need.controller == *controller)
}

/// Of a version's needs, that of one of a controller's watches.
pub(crate) fn watch_of<'n>(needs: &'n [Need], controller: &str, watch: &str) -> Option<&'n Need> {
    let named = |need: &&Need| need.watch.as_ref().is_some_and(|(name, _)| **name == *watch);
    needs.iter().filter(|need| *need.controller == *controller).find(named)
}

impl Need {
    /// Whether this is the same controller's same watch in another version, or under other labels.
    pub(crate) fn is_of(&self, other: &Self) -> bool {
        let name = |need: &Self| need.watch.as_ref().map(|(name, _)| name.clone());
        self.controller == other.controller && name(self) == name(other)
    }

    /// Goes on with what it was served from before.
    pub(crate) fn go_on(&mut self, before: &Self) {
        self.left = before.left;
        for (atom, shape) in &mut self.atoms {
            let same = before.atoms.iter().find(|(known, _)| known == atom);
            *shape = same.and_then(|(_, shape)| *shape);
        }
    }

    /// Whether a change comes from where this need looks: the view that serves it, and a namespace it covers.
    pub(crate) fn sees(&self, change: &ObjectChange, now: Time) -> bool {
        let left = self.left.is_some_and(|(shape, until)| shape == change.shape && now < until);
        change.fields == self.fields
            && self.atoms.iter().any(|(atom, shape)| {
                (left || *shape == Some(change.shape))
                    && (atom.namespace.is_none() || atom.namespace == change.name.namespace)
            })
    }

    /// The shape in which an object of this name is held.
    pub(crate) fn shape_of(&self, name: &ObjectName) -> Option<Shape> {
        let here = |atom: &Atom| atom.namespace.is_none() || atom.namespace == name.namespace;
        self.atoms.iter().find_map(|(atom, shape)| shape.filter(|_| here(atom)))
    }

    /// How an object stands in the view that serves the need, as far as the need selects it.
    pub(crate) fn held(&self, name: &ObjectName, cache: &Cache) -> Option<Arc<Object>> {
        let object = cache.held(&self.kind, self.shape_of(name)?, self.fields.as_ref(), name);
        object.filter(|object| self.selects(object))
    }

    /// Whether a state of an object is selected.
    pub(crate) fn selects(&self, object: &Object) -> bool {
        selects(&self.selection, object)
    }

    /// Whether a change of this object leads to this request, by what the object itself says now. Predicates aside.
    pub(crate) fn wakes(&self, request: &ObjectName, object: &Object) -> bool {
        let name = object.name();
        let here = |atom: &Atom| atom.namespace.is_none() || atom.namespace.as_deref() == name.namespace;
        let seen = self.fields.is_none() && self.atoms.iter().any(|(atom, _)| here(atom));
        let leads = || match &self.watch {
            None => *request == name,
            Some((_, relation)) => named_by(relation, object, &self.target).contains(request),
        };
        seen && self.selects(object) && self.target.reaches(request) && leads()
    }

    /// Whether the watch's relation is to ask the module.
    pub(crate) fn is_mapped(&self) -> bool {
        matches!(self.watch, Some((_, Relation::Mapped)))
    }
}

impl Target {
    /// Whether the controller reconciles objects of this name at all.
    pub(crate) fn reaches(&self, name: &ObjectName) -> bool {
        name.namespace.is_some() == self.namespaced && self.namespaces.contain(name.as_ref())
    }
}
