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
use std::sync::Arc;

/// One kind, one namespace or all, one selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Atom {
    pub(crate) kind: Kind,
    pub(crate) namespace: Option<Arc<str>>,
    pub(crate) labels: Option<Selector>,
    pub(crate) fields: Option<Arc<str>>,
    pub(crate) metadata: bool,
}

/// What atoms are ordered by; two atoms with the same key are the same watch.
type Key<'a> = (&'a Kind, Option<&'a Arc<str>>, Option<&'a str>, Option<&'a Arc<str>>, bool);

impl Atom {
    pub(super) fn new(
        kind: &Kind,
        namespace: Option<Arc<str>>,
        selection: &Selection,
        metadata: bool,
    ) -> Self {
        let labels = selection.labels.clone().filter(|labels| !labels.requirements().is_empty());
        let fields = selection.fields.clone().filter(|fields| !fields.is_empty());
        Self { kind: kind.clone(), namespace, labels, fields, metadata }
    }

    /// Everything of a kind in a namespace (none: in all of them).
    pub(crate) fn everything(kind: &Kind, namespace: Option<&str>, shape: Shape) -> Self {
        Self::new(kind, namespace.map(Arc::from), &Selection::default(), shape == Shape::Metadata)
    }

    fn key(&self) -> Key<'_> {
        let labels = self.labels.as_ref().map(Selector::as_str);
        (&self.kind, self.namespace.as_ref(), labels, self.fields.as_ref(), self.metadata)
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
        Fields::view(self.fields.as_ref()) == Fields::view(other.fields.as_ref())
            && Fields::of(self.fields.as_ref()).covers(&Fields::of(other.fields.as_ref()))
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
            && !apart(self.only_name().as_deref(), other.only_name().as_deref())
    }

    fn only_name(&self) -> Option<String> {
        let fields = FieldSelector::parse(self.fields.as_deref()?).ok()?;
        fields.only_name().map(str::to_owned)
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

/// The same, sorted and without repeats.
pub(super) fn distinct(mut atoms: Vec<Atom>) -> Vec<Atom> {
    atoms.sort_by(|one, other| one.key().cmp(&other.key()));
    atoms.dedup_by(|one, other| one.key() == other.key());
    atoms
}

/// The watches that serve all of these, in a fixed order. `atoms` include what [`widened`] adds.
///
/// The rule: equal needs share one watch, and a need that another one's watch serves anyway (every namespace serves
/// each, fewer selector terms serve more, whole objects serve metadata) has none of its own. Two needs of which
/// neither serves the other are watched apart, for a wider watch could hold much that nobody wants; but too many label
/// selectors are widened. A watch that the server refuses serves nobody: each narrower need has its own until it is
/// allowed.
pub(super) fn merged(atoms: Vec<Atom>, refused: &[Atom]) -> Vec<Atom> {
    let mut atoms = distinct(atoms);
    let allowed: Vec<_> = atoms.iter().map(|atom| !refused.contains(atom)).collect();
    let served = |at: usize| {
        atoms.iter().enumerate().any(|(by, other)| {
            by != at && allowed[by] && other.serves(&atoms[at]) && (by < at || !atoms[at].serves(other))
        })
    };
    let keep: Vec<_> = (0..atoms.len()).map(|at| !served(at)).collect();
    let mut keep = keep.into_iter();
    atoms.retain(|_| keep.next().unwrap_or(true));
    atoms
}

/// One watch without selector for each group of too many with one; `atoms` are distinct.
///
/// The rule: more than [`SELECTORS_MAX`] label selectors of one kind and shape, in one namespace or in all, are one
/// watch, and stay one (they are among those widened `before`) while there are more than [`SELECTORS_APART_MAX`].
pub(super) fn widened(atoms: &[Atom], refused: &[Atom], before: &[Atom]) -> Vec<Atom> {
    let mut groups: Vec<(Atom, usize)> = Vec::new();
    for atom in atoms.iter().filter(|atom| atom.labels.is_some() && atom.fields.is_none()) {
        let wide = atom.unselected();
        match groups.iter_mut().find(|(known, _)| *known == wide) {
            Some((_, count)) => *count += 1,
            None => groups.push((wide, 1)),
        }
    }
    let apart_max = |wide: &Atom| if before.contains(wide) { SELECTORS_APART_MAX } else { SELECTORS_MAX };
    let many = groups.into_iter().filter(|(wide, count)| *count > apart_max(wide) && !refused.contains(wide));
    many.map(|(wide, _)| wide).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

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
        let atoms = atoms.iter().map(|text| atom(text)).collect();
        let refused: Vec<_> = refused.iter().map(|text| atom(text)).collect();
        let atoms = distinct(atoms);
        let wide = widened(&atoms, &refused, &[]);
        assert_eq!(
            merged([atoms, wide].concat(), &refused),
            want.iter().map(|text| atom(text)).collect::<Vec<_>>()
        );
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
        let selected = |count: usize| -> Vec<Atom> {
            distinct((0..count).map(|n| atom(&format!("a|app=x{n}|"))).collect())
        };
        let mut wide = Vec::new();
        for (count, want) in [(8, 0), (9, 1), (8, 1), (9, 1), (5, 1), (4, 0), (5, 0), (8, 0), (9, 1), (0, 0)]
        {
            wide = widened(&selected(count), &[], &wide);
            assert_eq!(wide.len(), want, "{count} selectors");
        }
        let (wide, other) = ([atom("a||")], [atom("b||"), atom("!a||")]);
        assert_eq!(widened(&selected(5), &[], &wide), wide);
        assert_eq!(widened(&selected(5), &[], &other), [], "each place and shape counts for itself");
        assert_eq!(widened(&selected(9), &wide, &wide), [], "a refused one is given up");
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
}
