//! `#[windlass::controller]`.

mod arguments;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Error, FnArg, ItemFn, LitStr, Result};

pub(crate) use arguments::{Arguments, split_kind};
use arguments::{Relation, Watch};

pub(crate) fn expand(arguments: &Arguments, function: &ItemFn) -> Result<TokenStream> {
    check_signature(function)?;
    let name = &function.sig.ident;
    let visibility = &function.vis;
    let controller_name =
        arguments.name.as_ref().map_or_else(|| name.to_string().replace('_', "-"), LitStr::value);
    let kind = match &arguments.reconciles {
        Some(kind) => {
            let (api_version, kind) = split_kind(kind)?;
            quote!(::windlass::Kind::new(#api_version, #kind))
        }
        None => quote!(::windlass::module::kind_of(#name)),
    };
    let calls = selection_calls(arguments);
    let watches = arguments.watches.iter().map(watch_expression).collect::<Result<Vec<_>>>()?;
    let targets = targets_function(arguments);
    let doc = format!("The controller of the function `{name}`, for `windlass::module!` and for tests.");
    Ok(quote! {
        #function

        #[doc = #doc]
        #[allow(non_camel_case_types, reason = "has the name of its function")]
        #visibility struct #name {}

        impl ::windlass::Reconciler for #name {
            const NAME: &'static str = #controller_name;

            fn controller() -> ::windlass::Controller {
                ::windlass::Controller::new(#controller_name, #kind)
                    #(#calls)*
                    #(.watches(#watches))*
            }

            fn reconcile(
                ctx: &::windlass::Context<'_>,
                object: ::core::option::Option<&str>,
            ) -> ::windlass::Result<::windlass::Outcome> {
                ::windlass::module::run(ctx, object, #name)
            }

            #targets
        }
    })
}

/// A wrong signature would be told in terms of the generated code otherwise.
fn check_signature(function: &ItemFn) -> Result<()> {
    let signature = &function.sig;
    if let Some(word) = &signature.asyncness {
        let message = "a reconcile function is not async: calls on the context wait by themselves";
        return Err(Error::new(word.span, message));
    }
    let plain = signature.inputs.iter().all(|input| matches!(input, FnArg::Typed(_)));
    if signature.inputs.len() != 2 || !plain {
        let message = "a reconcile function takes two arguments: `(ctx: &Context, object: Website)`";
        return Err(Error::new(signature.ident.span(), message));
    }
    Ok(())
}

fn selection_calls(arguments: &Arguments) -> Vec<TokenStream> {
    let mut calls = Vec::new();
    for (method, value) in [("labels", &arguments.labels), ("fields", &arguments.fields)] {
        let method = format_ident!("{method}");
        calls.extend(value.as_ref().map(|value| quote!(.#method(#value))));
    }
    for (method, values) in [("namespaces", &arguments.namespaces), ("on", &arguments.on)] {
        let method = format_ident!("{method}");
        if !values.is_empty() {
            calls.push(quote!(.#method(&[#(#values),*])));
        }
    }
    calls
}

fn watch_expression(watch: &Watch) -> Result<TokenStream> {
    let (api_version, kind) = split_kind(&watch.kind)?;
    let lookup = |name: &LitStr| {
        let namespace = watch.namespace.as_ref().map(|namespace| quote!(.with_namespace(#namespace)));
        quote!(::windlass::Lookup::new(#name) #namespace)
    };
    let relation = match &watch.relation {
        Relation::Controlled => quote!(Controlled),
        Relation::Owned => quote!(Owned),
        Relation::Labelled(name) => {
            let lookup = lookup(name);
            quote!(Labelled(#lookup))
        }
        Relation::Annotated(name) => {
            let lookup = lookup(name);
            quote!(Annotated(#lookup))
        }
        Relation::Referenced(name) => {
            let lookup = lookup(name);
            quote!(Referenced(#lookup))
        }
        Relation::Mapped(_) => quote!(Mapped),
    };
    let mut calls = Vec::new();
    calls.extend(watch.name.as_ref().map(|name| quote!(.named(#name))));
    calls.extend(watch.labels.as_ref().map(|labels| quote!(.labels(#labels))));
    for (method, values) in [("namespaces", &watch.namespaces), ("on", &watch.on)] {
        let method = format_ident!("{method}");
        if !values.is_empty() {
            calls.push(quote!(.#method(&[#(#values),*])));
        }
    }
    calls.extend(watch.metadata_only.then(|| quote!(.metadata_only())));
    Ok(quote! {
        ::windlass::Watch::new(
            ::windlass::Kind::new(#api_version, #kind),
            ::windlass::Relation::#relation,
        )#(#calls)*
    })
}

/// `targets` sends each change to the function of its watch.
fn targets_function(arguments: &Arguments) -> Option<TokenStream> {
    let arms: Vec<TokenStream> = arguments
        .watches
        .iter()
        .filter_map(|watch| {
            let Relation::Mapped(function) = &watch.relation else { return None };
            let name = watch.name();
            Some(quote!(#name => #function(ctx, change),))
        })
        .collect();
    (!arms.is_empty()).then(|| {
        quote! {
            fn targets(
                ctx: &::windlass::Context<'_>,
                change: &::windlass::Change,
            ) -> ::windlass::Result<::std::vec::Vec<::windlass::ObjectName>> {
                match change.watch.as_str() {
                    #(#arms)*
                    _ => Ok(::std::vec::Vec::new()),
                }
            }
        }
    })
}
