//! The smallest thing that can be watched, and when one watch serves another's purpose.

use crate::{
    cache::{Fields, Namespaces, Question, labels_cover},
    call::Shape,
    description::Selection,
    field_selector::FieldSelector,
    input::WatchSpec,
    name::Kind,
    object::FieldPlan,
    selector::Selector,
};
use foldhash::fast::RandomState;
use std::{
    collections::{HashMap, HashSet},
    iter,
    sync::Arc,
};

/// One kind, one namespace or all, one selector.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Atom {
    pub(crate) kind: Kind,
    pub(crate) namespace: Option<Arc<str>>,
    pub(crate) labels: Option<Selector>,
    pub(crate) fields: Option<Arc<str>>,
    pub(crate) metadata: bool,
    /// The view that only the server can select, if it is one.
    view: Option<Arc<str>>,
    /// The names that the field selector asks for, each once; more than one match nothing.
    names: Vec<Arc<str>>,
}

/// Where atoms of a kind are looked for: namespace, view, name. What serves an atom is at one of [`Atom::wider`].
pub(super) type Spot<'a> = (Option<&'a Arc<str>>, Option<&'a Arc<str>>, Option<&'a Arc<str>>);

/// What atoms are ordered by; two atoms with the same key are the same watch.
type Key<'a> = (&'a Kind, Option<&'a Arc<str>>, Option<&'a str>, Option<&'a Arc<str>>, bool);

impl Atom {
    pub(crate) fn new(
        kind: &Kind,
        namespace: Option<Arc<str>>,
        selection: &Selection,
        metadata: bool,
    ) -> Self {
        let labels = selection.labels.clone().filter(|labels| !labels.requirements().is_empty());
        let fields = selection.fields.clone().filter(|fields| !fields.is_empty());
        let (view, mut names) = (Fields::view(fields.as_ref()), Vec::new());
        if let Some(parsed) = fields.as_deref().and_then(|fields| FieldSelector::parse(fields).ok()) {
            for name in parsed.names() {
                if !names.iter().any(|known: &Arc<str>| **known == *name) {
                    names.push(Arc::from(name));
                }
            }
        }
        Self { kind: kind.clone(), namespace, labels, fields, metadata, view, names }
    }

    /// Everything of a kind in a namespace (none: in all of them).
    pub(crate) fn everything(kind: &Kind, namespace: Option<&str>, shape: Shape) -> Self {
        Self::new(kind, namespace.map(Arc::from), &Selection::default(), shape == Shape::Metadata)
    }

    fn key(&self) -> Key<'_> {
        let labels = self.labels.as_ref().map(Selector::as_str);
        (&self.kind, self.namespace.as_ref(), labels, self.fields.as_ref(), self.metadata)
    }

    /// Where it is looked for.
    pub(super) fn spot(&self) -> Spot<'_> {
        (self.namespace.as_ref(), self.view.as_ref(), self.names.first())
    }

    /// Where atoms that serve it can be, each once: in its namespace and in all, for any name and for those it asks for.
    /// An atom serves no other that does not ask for its names too.
    pub(super) fn wider(&self) -> impl Iterator<Item = Spot<'_>> {
        let namespaces = iter::once(None).chain(self.namespace.as_ref().map(Some));
        namespaces.flat_map(move |namespace| {
            let names = iter::once(None).chain(self.names.iter().map(Some));
            names.map(move |name| (namespace, self.view.as_ref(), name))
        })
    }

    /// What to order of the cluster.
    pub(super) fn spec(&self, plan: &Arc<FieldPlan>) -> WatchSpec {
        let selection = Selection {
            namespaces: self.namespace.iter().cloned().collect(),
            labels: self.labels.clone(),
            fields: self.fields.clone(),
        };
        WatchSpec { kind: self.kind.clone(), selection, metadata_only: self.metadata, plan: plan.clone() }
    }

    /// The question that reads all of it.
    pub(crate) fn question(&self, shape: Shape) -> Question {
        Question {
            namespaces: match &self.namespace {
                Some(namespace) => Namespaces::These(vec![namespace.clone()]),
                None => Namespaces::All,
            },
            labels: self.labels.clone(),
            fields: self.fields.clone(),
            shape,
        }
    }

    /// Whether a watch for this atom also brings everything that `other` needs.
    pub(crate) fn serves(&self, other: &Self) -> bool {
        self.kind == other.kind
            && (!self.metadata || other.metadata)
            && (self.namespace.is_none() || self.namespace == other.namespace)
            && labels_cover(self.labels.as_ref(), other.labels.as_ref())
            && (self.fields == other.fields || self.fields_serve(other))
    }

    fn fields_serve(&self, other: &Self) -> bool {
        self.view == other.view && Fields::of(self.fields.as_ref()).covers(&Fields::of(other.fields.as_ref()))
    }

    /// The same without label selector.
    fn unselected(&self) -> Self {
        Self { labels: None, ..self.clone() }
    }

    /// Whether an object could belong to both, as far as namespaces and names tell.
    pub(super) fn may_overlap(&self, other: &Self) -> bool {
        let apart =
            |one: Option<&str>, other: Option<&str>| one.zip(other).is_some_and(|(one, other)| one != other);
        !apart(self.namespace.as_deref(), other.namespace.as_deref())
            && !apart(self.names.first().map(|name| &**name), other.names.first().map(|name| &**name))
    }

    pub(super) fn shape(&self) -> Shape {
        if self.metadata { Shape::Metadata } else { Shape::Whole }
    }
}

/// Label selectors of one kind and namespace that are watched apart; where there are more, one watch without selector
/// costs the server less than they do: it sends an object once, and they would meet in many anyway.
const SELECTORS_MAX: usize = 8;
/// Once they are one watch, they are apart again when there are no more than so many: a module that comes and goes
/// at the border does not start lists.
const SELECTORS_APART_MAX: usize = 4;

/// Each once, in a fixed order.
pub(super) fn distinct<'a>(atoms: impl IntoIterator<Item = &'a Atom>) -> Vec<&'a Atom> {
    let mut atoms: Vec<_> = atoms.into_iter().collect();
    atoms.sort_by(|one, other| one.key().cmp(&other.key()));
    atoms.dedup_by(|one, other| one.key() == other.key());
    atoms
}

/// Whether an atom is among those that [`distinct`] has sorted.
pub(super) fn is_among(atom: &Atom, sorted: &[&Atom]) -> bool {
    sorted.binary_search_by(|one| one.key().cmp(&atom.key())).is_ok()
}

/// The watches that serve all of these, in a fixed order. `atoms` include what [`widened`] adds.
///
/// The rule: equal needs share one watch, and a need that another one's watch serves anyway (every namespace serves
/// each, fewer selector terms serve more, whole objects serve metadata) has none of its own. Two needs of which
/// neither serves the other are watched apart, for a wider watch could hold much that nobody wants; but too many label
/// selectors are widened. A watch that the server refuses serves nobody: each narrower need has its own until it is
/// allowed.
///
/// This runs with each change of what is wanted, for thousands of modules too, so an atom is held only against those at
/// the places where one that serves it can be.
pub(super) fn merged<'a>(
    atoms: impl IntoIterator<Item = &'a Atom>,
    refused: &impl Fn(&Atom) -> bool,
) -> Vec<Atom> {
    let atoms = distinct(atoms);
    let of_kinds = atoms.chunk_by(|one, other| one.kind == other.kind);
    of_kinds.flat_map(|of_kind| merged_of_kind(of_kind, refused)).cloned().collect()
}

fn merged_of_kind<'a>(atoms: &[&'a Atom], refused: &impl Fn(&Atom) -> bool) -> Vec<&'a Atom> {
    let mut spots: HashMap<Spot<'_>, Vec<usize>, RandomState> = HashMap::default();
    for (at, atom) in atoms.iter().enumerate().filter(|(_, atom)| !refused(atom)) {
        spots.entry(atom.spot()).or_default().push(at);
    }
    let is_served = |at: usize| {
        let found = atoms[at].wider().flat_map(|spot| spots.get(&spot).into_iter().flatten());
        found
            .copied()
            .any(|by| by != at && atoms[by].serves(atoms[at]) && (by < at || !atoms[at].serves(atoms[by])))
    };
    (0..atoms.len()).filter(|at| !is_served(*at)).map(|at| atoms[at]).collect()
}

/// One watch without selector for each group of too many with one; `atoms` are distinct.
///
/// The rule: more than [`SELECTORS_MAX`] label selectors of one kind and shape, in one namespace or in all, are one
/// watch, and stay one (they are among those widened `before`) while there are more than [`SELECTORS_APART_MAX`].
pub(super) fn widened(atoms: &[&Atom], refused: &impl Fn(&Atom) -> bool, before: &[Atom]) -> Vec<Atom> {
    let before: HashSet<&Atom> = before.iter().collect();
    let mut groups: HashMap<_, (&Atom, usize), RandomState> = HashMap::default();
    for atom in atoms.iter().filter(|atom| atom.labels.is_some() && atom.fields.is_none()) {
        let group = (&atom.kind, atom.namespace.as_ref(), atom.metadata);
        groups.entry(group).or_insert((atom, 0)).1 += 1;
    }
    let apart_max = |wide: &Atom| if before.contains(wide) { SELECTORS_APART_MAX } else { SELECTORS_MAX };
    let many = groups.into_values().map(|(atom, count)| (atom.unselected(), count));
    let many = many.filter(|(wide, count)| *count > apart_max(wide) && !refused(wide));
    many.map(|(wide, _)| wide).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use proptest::prelude::*;

    /// `namespace|labels|fields`, with `!` in front for metadata only.
    fn atom(text: &str) -> Atom {
        let (metadata, text) = text.strip_prefix('!').map_or((false, text), |text| (true, text));
        let parts: Vec<_> = text.split('|').collect();
        let some = |at: usize| (!parts[at].is_empty()).then_some(parts[at]);
        let selection = Selection {
            namespaces: Vec::new(),
            labels: some(1).map(|text| Selector::parse(text).unwrap()),
            fields: some(2).map(Arc::from),
        };
        Atom::new(&Kind::new("v1", "Pod"), some(0).map(Arc::from), &selection, metadata)
    }

    fn check(atoms: &[&str], want: &[&str]) {
        check_refused(atoms, &[], want);
    }

    fn check_refused(atoms: &[&str], refused: &[&str], want: &[&str]) {
        let [atoms, refused, want] =
            [atoms, refused, want].map(|texts| texts.iter().map(|text| atom(text)).collect::<Vec<_>>());
        let refused = |atom: &Atom| refused.contains(atom);
        let wide = widened(&distinct(&atoms), &refused, &[]);
        assert_eq!(merged(atoms.iter().chain(&wide), &refused), want);
    }

    #[test]
    fn equal_needs_share_one_watch() {
        check(&["a||", "a||"], &["a||"]);
        check(&["|app=x|", "|app=x|"], &["|app=x|"]);
    }

    #[test]
    fn a_wide_watch_serves_narrow_needs() {
        check(&["a|app=x|", "||", "b||"], &["||"]);
        check(&["a|app=x|", "a|app|"], &["a|app|"]);
        check(&["!a||", "a||"], &["a||"]);
        check(&["||metadata.name=x", "||"], &["||"]);
    }

    #[test]
    fn needs_of_which_neither_serves_the_other_are_watched_apart() {
        check(&["a||", "b||"], &["a||", "b||"]);
        check(&["!||", "a||"], &["!||", "a||"]);
        check(&["||status.phase=Running", "||"], &["||", "||status.phase=Running"]);
        check(&["|app=x|", "|tier=y|"], &["|app=x|", "|tier=y|"]);
    }

    #[test]
    fn more_than_eight_label_selectors_of_a_kind_and_namespace_are_one_watch_without() {
        let selected = |namespace: &str, count: usize| -> Vec<String> {
            (0..count).map(|n| format!("{namespace}|app=x{n}|")).collect()
        };
        let (eight, nine) = (selected("a", 8), selected("a", 9));
        let text = |list: &[String]| list.iter().map(|one| one.clone().leak() as &str).collect::<Vec<_>>();
        check(&text(&eight), &text(&eight));
        check(&text(&nine), &["a||"]);
        // A refused wide one is given up, and so many apart are apart.
        check_refused(&text(&nine), &["a||"], &text(&nine));
        let apart = [eight, selected("b", 8)].concat();
        check(&text(&apart), &text(&apart));
        let metadata: Vec<_> = nine.iter().map(|one| format!("!{one}")).collect();
        check(&text(&metadata), &["!a||"]);
        let by_field: Vec<_> = (0..9).map(|n| format!("a|app|metadata.name=x{n}")).collect();
        check(&text(&by_field), &text(&by_field));
    }

    #[test]
    fn what_is_widened_stays_so_until_no_more_than_four_selectors_are_left() {
        let widened = |count: usize, refused: &[Atom], before: &[Atom]| {
            let atoms: Vec<_> = (0..count).map(|n| atom(&format!("a|app=x{n}|"))).collect();
            widened(&distinct(&atoms), &|atom| refused.contains(atom), before)
        };
        let mut wide = Vec::new();
        for (count, want) in [(8, 0), (9, 1), (8, 1), (9, 1), (5, 1), (4, 0), (5, 0), (8, 0), (9, 1), (0, 0)]
        {
            wide = widened(count, &[], &wide);
            assert_eq!(wide.len(), want, "{count} selectors");
        }
        let (wide, other) = ([atom("a||")], [atom("b||"), atom("!a||")]);
        assert_eq!(widened(5, &[], &wide), wide);
        assert_eq!(widened(5, &[], &other), [], "each place and shape counts for itself");
        assert_eq!(widened(9, &wide, &wide), [], "a refused one is given up");
    }

    #[test]
    fn a_refused_watch_serves_nobody_else_and_is_still_tried() {
        check_refused(&["||", "a||", "b|app|"], &["||"], &["||", "a||", "b|app|"]);
        check_refused(&["||", "a||", "a|app|"], &["||"], &["||", "a||"]);
        check_refused(&["||", "!||"], &["!||"], &["||"]);
    }

    #[test]
    fn of_two_that_serve_each_other_one_is_kept() {
        check(&["|app=x,tier=y|", "|tier=y,app=x|"], &["|app=x,tier=y|"]);
    }

    /// The rule as it is written: each atom is held against all others.
    fn merged_of_pairs(atoms: &[Atom], refused: &[Atom]) -> Vec<Atom> {
        let atoms = distinct(atoms);
        let is_served = |at: usize| {
            let mut others =
                atoms.iter().enumerate().filter(|(by, other)| *by != at && !refused.contains(other));
            others.any(|(by, other)| other.serves(atoms[at]) && (by < at || !atoms[at].serves(other)))
        };
        (0..atoms.len()).filter(|at| !is_served(*at)).map(|at| atoms[at].clone()).collect()
    }

    fn any_atom() -> impl Strategy<Value = Atom> {
        let namespaces = prop::sample::select(vec!["", "a", "b", "c"]);
        let labels =
            ["", "", "app", "app=x", "app=y", "app in (x,y)", "app=x,tier=z", "tier=z,app=x", "tier", "n=1"];
        let labels = prop::sample::select(
            [labels.map(str::to_owned).to_vec(), (0..9).map(|n| format!("l=v{n}")).collect()].concat(),
        );
        let terms = prop::sample::select(vec![
            "metadata.name=x",
            "metadata.name=y",
            "metadata.name!=x",
            "metadata.namespace=a",
            "status.phase=Running",
            "spec.nodeName=n",
            "=",
        ]);
        let fields = prop_oneof![3 => Just(Vec::new()), 4 => prop::collection::vec(terms, 1..4)];
        (prop::bool::ANY, namespaces, labels, fields).prop_map(|(metadata, namespace, labels, fields)| {
            let metadata = if metadata { "!" } else { "" };
            atom(&format!("{metadata}{namespace}|{labels}|{}", fields.join(",")))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn looking_only_where_a_server_can_be_is_the_same_as_holding_all_against_all(
            atoms in prop::collection::vec(any_atom(), 0..60),
            strangers in prop::collection::vec(any_atom(), 0..4),
            refused in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let chosen = refused.iter().filter(|_| !atoms.is_empty()).map(|at| at.get(&atoms).clone());
            let refused: Vec<_> = chosen.chain(strangers).collect();
            let is_refused = |atom: &Atom| refused.contains(atom);
            let wide = widened(&distinct(&atoms), &is_refused, &atoms);
            let all = [atoms, wide].concat();
            prop_assert_eq!(merged(&all, &is_refused), merged_of_pairs(&all, &refused));
        }
    }
}
