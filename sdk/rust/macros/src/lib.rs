//! Attributes of the windlass SDK. Their documentation is where the SDK exports them; nothing here is used
//! without it.

mod controller;
#[cfg(feature = "yaml")]
mod definition;
mod resource;

use proc_macro::TokenStream;
use syn::parse_macro_input;

/// Makes a controller of a function `fn(&Context, T) -> Result<Outcome>`.
///
/// `T` is the object: a [`Resource`](derive.Resource.html), `Object`, or an `Option` of one to be run for
/// objects that are gone too. Beside the function, which stays as it is, there is then a type of the same name
/// for `windlass::module!` and for tests.
///
/// | argument | meaning |
/// | --- | --- |
/// | `name = "websites"` | the controller's name; the function's otherwise, with dashes |
/// | `reconciles = "v1/ConfigMap"` | the kind, if the type does not say it |
/// | `labels = "app=web"`, `fields = "…"`, `namespaces("a", "b")` | which objects |
/// | `on("generation", "labels", ".spec.x")` | changes that count; all otherwise |
/// | `owns("apps/v1/Deployment", …)` | objects that ours manage; every change counts |
/// | `watches("v1/Secret", …)` | other objects; takes one of the relations below and `name`, `labels`, `namespaces`, `on`, `metadata_only` |
///
/// Relations of `watches`: `controlled` (the managing owner, as `owns`), `owned` (any owner), `labelled = "key"`, `annotated = "key"`,
/// `referenced = ".spec.secretName"` (each with `namespace = "…"` where that says the namespace), and
/// `mapped = function`, a `fn(&Context, &Change) -> Result<Vec<ObjectName>>`.
#[proc_macro_attribute]
pub fn controller(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let arguments = parse_macro_input!(arguments as controller::Arguments);
    let function = parse_macro_input!(item as syn::ItemFn);
    controller::expand(&arguments, &function).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes a struct with a field `metadata: ObjectMeta` a typed kind:
/// `#[resource("apps/v1/Deployment")]`, or `#[resource("v1/Node", cluster)]` for a cluster-scoped one.
#[proc_macro_derive(Resource, attributes(resource))]
pub fn resource(item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as syn::DeriveInput);
    resource::expand(&item).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// The text of a CustomResourceDefinition as JSON, from a YAML or JSON file.
#[cfg(feature = "yaml")]
#[proc_macro]
pub fn definition(path: TokenStream) -> TokenStream {
    let path = parse_macro_input!(path as syn::LitStr);
    definition::expand(&path).unwrap_or_else(syn::Error::into_compile_error).into()
}
