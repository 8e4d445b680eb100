//! How long functions and files are.

use crate::sources::Source;
use syn::visit::Visit;

/// A function with a body.
pub(crate) struct Function {
    pub(crate) name: String,
    /// From `fn` to the closing brace.
    pub(crate) lines: usize,
}

/// Every function of a file, those in tests, traits and functions included.
pub(crate) fn functions(source: &Source) -> Vec<Function> {
    let file = syn::parse_file(&source.text).unwrap_or_else(|error| panic!("{}: {error}", source.path));
    let mut found = Functions(Vec::new());
    found.visit_file(&file);
    found.0
}

struct Functions(Vec<Function>);

impl Functions {
    fn add(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let first = signature.fn_token.span.start().line;
        let lines = block.brace_token.span.close().end().line + 1 - first;
        self.0.push(Function { name: signature.ident.to_string(), lines });
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.sig, &item.block);
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.sig, &item.block);
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.add(&item.sig, block);
        }
        syn::visit::visit_trait_item_fn(self, item);
    }
}

/// `file::function` and its length.
pub(crate) fn function_lengths(sources: &[Source]) -> Vec<(String, usize)> {
    let of = |source: &Source| -> Vec<(String, usize)> {
        functions(source).into_iter().map(|f| (format!("{}::{}", source.path, f.name), f.lines)).collect()
    };
    sources.iter().flat_map(of).collect()
}

/// Each file and its length.
pub(crate) fn file_lengths(sources: &[Source]) -> Vec<(String, usize)> {
    sources.iter().map(|source| (source.path.clone(), source.text.lines().count())).collect()
}

/// What is longer than the limit and not listed, what is longer than its list entry, and what need not be listed.
pub(crate) fn too_long(lengths: &[(String, usize)], limit: usize, listed: &[(&str, usize)]) -> Vec<String> {
    let allowed = |name: &str| listed.iter().find(|(listed, _)| *listed == name).map(|(_, allowed)| *allowed);
    let long = lengths.iter().filter(|(name, lines)| *lines > allowed(name).unwrap_or(limit)).map(
        |(name, lines)| format!("{name} has {lines} lines, {} are allowed", allowed(name).unwrap_or(limit)),
    );
    let still_long = |name: &str| lengths.iter().any(|(found, lines)| found == name && *lines > limit);
    let idle = listed
        .iter()
        .filter(|(name, _)| !still_long(name))
        .map(|(name, _)| format!("{name} is short now, or gone: take it off the list"));
    long.chain(idle).collect()
}

#[test]
fn lengths_are_counted_and_the_list_only_shrinks() {
    let text =
        "//! x\nfn a() {\n    fn b() {\n    }\n}\ntrait T {\n    fn c();\n    fn d() {}\n}\n".to_owned();
    let source = [Source { path: "x.rs".into(), text }];
    let lengths = function_lengths(&source);
    let expected = [("x.rs::a", 4), ("x.rs::b", 2), ("x.rs::d", 1)];
    assert_eq!(lengths, expected.map(|(name, lines)| (name.to_owned(), lines)));
    assert_eq!(too_long(&lengths, 3, &[]).len(), 1, "a is too long");
    assert_eq!(too_long(&lengths, 3, &[("x.rs::a", 4)]), Vec::<String>::new());
    assert_eq!(too_long(&lengths, 2, &[("x.rs::a", 3)]).len(), 1, "a has grown");
    assert_eq!(too_long(&lengths, 4, &[("x.rs::a", 4)]).len(), 1, "a need not be listed");
    assert_eq!(file_lengths(&source), [("x.rs".to_owned(), 9)]);
}
