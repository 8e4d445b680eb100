//! `definition!`: a CustomResourceDefinition file as JSON text, checked while the module is built.

use std::{env, fs, path::Path};

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, LitStr, Result};

pub(crate) fn expand(path: &LitStr) -> Result<TokenStream> {
    let fail = |message: String| Error::new(path.span(), message);
    let folder = env::var("CARGO_MANIFEST_DIR").map_err(|_| fail("CARGO_MANIFEST_DIR is not set".into()))?;
    let file = Path::new(&folder).join(path.value());
    let shown = file.display().to_string();
    let text = fs::read_to_string(&file).map_err(|error| fail(format!("{shown}: {error}")))?;
    let value: serde_json::Value =
        serde_yaml_ng::from_str(&text).map_err(|error| fail(format!("{shown}: {error}")))?;
    if value["kind"] != "CustomResourceDefinition" {
        return Err(fail(format!("{shown}: kind is {}, not CustomResourceDefinition", value["kind"])));
    }
    let json = value.to_string();
    // The unused `include_str!` makes cargo build again when the file changes.
    Ok(quote! {{
        const _: &str = include_str!(#shown);
        #json
    }})
}
