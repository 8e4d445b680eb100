//! Who owns whom, by uid.

use std::collections::{BTreeMap, BTreeSet};

/// One object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) resource: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
}

/// All objects, with edges from owners to dependents. An owner need not be known itself.
#[derive(Debug, Default)]
pub(super) struct Graph {
    nodes: BTreeMap<String, (Node, Vec<String>)>,
    dependents: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// Adds an object, or changes its owners. Objects without owners are kept too: their loss frees others.
    pub(super) fn insert(&mut self, node: Node, owners: Vec<String>) {
        self.unlink(&node.uid);
        for owner in &owners {
            self.dependents.entry(owner.clone()).or_default().insert(node.uid.clone());
        }
        self.nodes.insert(node.uid.clone(), (node, owners));
    }

    /// Takes an object away; the result is what its loss concerns: its dependents, and owners that waited for it.
    pub(super) fn remove(&mut self, uid: &str) -> Vec<Node> {
        let owners = self.unlink(uid);
        self.nodes.remove(uid);
        let mut concerned = self.dependents(uid);
        concerned.extend(owners.iter().filter_map(|owner| Some(self.nodes.get(owner)?.0.clone())));
        concerned
    }

    /// Takes away every object of a resource that is not in `held`.
    pub(super) fn forget_others(&mut self, resource: &str, held: &BTreeSet<String>) -> Vec<Node> {
        let gone: Vec<String> = self
            .nodes
            .values()
            .filter(|(node, _)| node.resource == resource && !held.contains(&node.uid))
            .map(|(node, _)| node.uid.clone())
            .collect();
        gone.iter().flat_map(|uid| self.remove(uid)).collect()
    }

    /// The objects that name `uid` as an owner.
    pub(super) fn dependents(&self, uid: &str) -> Vec<Node> {
        let uids = self.dependents.get(uid).into_iter().flatten();
        uids.filter_map(|uid| Some(self.nodes.get(uid)?.0.clone())).collect()
    }

    /// Whether any object names `uid` as an owner.
    pub(super) fn has_dependents(&self, uid: &str) -> bool {
        self.dependents.contains_key(uid)
    }

    fn unlink(&mut self, uid: &str) -> Vec<String> {
        let owners = self.nodes.get_mut(uid).map(|(_, owners)| std::mem::take(owners)).unwrap_or_default();
        for owner in &owners {
            if let Some(dependents) = self.dependents.get_mut(owner) {
                dependents.remove(uid);
                if dependents.is_empty() {
                    self.dependents.remove(owner);
                }
            }
        }
        owners
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(uid: &str) -> Node {
        let text = || String::new();
        Node { resource: "r".into(), namespace: text(), name: text(), uid: uid.into() }
    }

    #[test]
    fn the_loss_of_an_object_concerns_its_dependents_and_its_owners() {
        let mut graph = Graph::default();
        graph.insert(node("child"), vec!["parent".into()]);
        graph.insert(node("parent"), vec!["grandparent".into()]);
        graph.insert(node("grandparent"), Vec::new());
        assert_eq!(graph.remove("parent"), [node("child"), node("grandparent")]);
        assert!(!graph.has_dependents("grandparent"));
        assert!(graph.has_dependents("parent"), "the child still names it");
        graph.insert(node("child"), Vec::new());
        assert!(!graph.has_dependents("parent"));
    }

    #[test]
    fn what_a_list_no_longer_holds_is_forgotten() {
        let mut graph = Graph::default();
        graph.insert(node("a"), Vec::new());
        graph.insert(node("b"), vec!["a".into()]);
        assert_eq!(graph.forget_others("r", &BTreeSet::from(["b".to_owned()])), [node("b")]);
    }
}
