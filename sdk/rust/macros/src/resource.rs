//! `#[derive(Resource)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error, LitStr, Result, Token, parse::ParseStream};

use crate::controller::split_kind;

struct Attribute {
    kind: LitStr,
    cluster: bool,
}

fn parse(input: ParseStream<'_>) -> Result<Attribute> {
    let kind = input.parse()?;
    let mut cluster = false;
    if input.parse::<Option<Token![,]>>()?.is_some() && !input.is_empty() {
        let word: syn::Ident = input.parse()?;
        if word != "cluster" {
            return Err(Error::new(word.span(), "only `cluster` may follow the kind"));
        }
        cluster = true;
    }
    Ok(Attribute { kind, cluster })
}

pub(crate) fn expand(item: &DeriveInput) -> Result<TokenStream> {
    let missing = || {
        Error::new(
            item.ident.span(),
            "say the kind: `#[resource(\"example.dev/v1/Website\")]` above the struct",
        )
    };
    let attribute =
        item.attrs.iter().find(|attribute| attribute.path().is_ident("resource")).ok_or_else(missing)?;
    let Attribute { kind, cluster } = attribute.parse_args_with(parse)?;
    let (api_version, kind) = split_kind(&kind)?;
    let has_metadata = match &item.data {
        syn::Data::Struct(data) => {
            data.fields.iter().any(|field| field.ident.as_ref().is_some_and(|name| name == "metadata"))
        }
        _ => false,
    };
    if !has_metadata {
        let message = "a Resource is a struct with a field `metadata: windlass::ObjectMeta`";
        return Err(Error::new(item.ident.span(), message));
    }
    let name = &item.ident;
    let (impl_generics, type_generics, where_clause) = item.generics.split_for_impl();
    let namespaced = !cluster;
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics ::windlass::Resource for #name #type_generics #where_clause {
            const API_VERSION: &'static str = #api_version;
            const KIND: &'static str = #kind;
            const NAMESPACED: bool = #namespaced;

            fn metadata(&self) -> &::windlass::ObjectMeta {
                &self.metadata
            }

            fn metadata_mut(&mut self) -> &mut ::windlass::ObjectMeta {
                &mut self.metadata
            }
        }
    })
}
