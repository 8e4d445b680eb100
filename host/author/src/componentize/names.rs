//! Makes the functions' names short and readable.
//!
//! A trap's frames are worth their names, but Rust's mangled ones take up to a third of a module. What a
//! reader wants of `_ZN98_$LT$$RF$mut$u20$serde_json..de..Deserializer$LT$R$GT$…18deserialize_struct17h3695ea…E` is
//! `<Deserializer as Deserializer>::deserialize_struct`.

use wasm_encoder::{Module, NameMap, NameSection, RawSection};
use wasmparser::{BinaryReader, Name, NameSectionReader, Parser, Payload};

/// The same module with short names of functions, and without names of anything else. A module whose names
/// cannot be read stays as it is: they are of no consequence.
pub(super) fn shorten(core: &[u8]) -> Vec<u8> {
    try_shorten(core).unwrap_or_else(|| core.to_vec())
}

fn try_shorten(core: &[u8]) -> Option<Vec<u8>> {
    let mut module = Module::new();
    for payload in Parser::new(0).parse_all(core) {
        let payload = payload.ok()?;
        match &payload {
            Payload::CustomSection(section) if section.name() == "name" => {
                module.section(&short_names(section.data(), section.data_offset())?);
            }
            _ => {
                if let Some((id, range)) = payload.as_section() {
                    let range = usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?;
                    module.section(&RawSection { id, data: core.get(range)? });
                }
            }
        }
    }
    Some(module.finish())
}

fn short_names(data: &[u8], offset: u64) -> Option<NameSection> {
    let mut names = NameSection::new();
    for name in NameSectionReader::new(BinaryReader::new(data, offset)) {
        if let Name::Function(functions) = name.ok()? {
            let mut short = NameMap::new();
            for naming in functions {
                let naming = naming.ok()?;
                short.append(naming.index, &short_name(naming.name));
            }
            names.functions(&short);
        }
    }
    Some(names)
}

/// The name of a function without hash, type arguments and, in `<Type as Trait>`, modules.
fn short_name(name: &str) -> String {
    let Ok(demangled) = rustc_demangle::try_demangle(name) else { return name.to_owned() };
    let text = format!("{demangled:#}");
    without_arguments(text.strip_prefix('_').filter(|rest| rest.starts_with('<')).unwrap_or(&text))
}

/// Drops what stands in angle brackets after a name; in brackets at the beginning of a part, which say whose
/// method it is, keeps the last step of each path.
fn without_arguments(text: &str) -> String {
    let mut short = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, bracket) = rest.split_at(at);
        let Some(end) = closing(bracket) else { break };
        short.push_str(before);
        let opens_part = short.is_empty() || before.ends_with("::");
        if opens_part {
            let inside: Vec<String> = split_as(&bracket[1..end]).into_iter().map(last_step).collect();
            short.push('<');
            short.push_str(&inside.join(" as "));
            short.push('>');
            // `::<T>` are type arguments too, and so is nothing that names a type.
            if before.ends_with("::") && inside.len() == 1 && !inside[0].starts_with("impl") {
                short.truncate(short.len() - inside[0].len() - 4);
            }
        }
        rest = &bracket[end + 1..];
    }
    short.push_str(rest);
    short
}

/// Where the bracket at the beginning closes; the arrow of a function type is none.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut before = ' ';
    for (at, letter) in text.char_indices() {
        match letter {
            '<' => depth += 1,
            '>' if before != '-' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
        before = letter;
    }
    None
}

/// `Type as Trait` in its two parts; ` as ` inside of brackets is another one's.
fn split_as(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '<' | '(' | '[' => depth += 1,
            '>' | ')' | ']' => depth = depth.saturating_sub(1),
            ' ' if depth == 0 && text[at..].starts_with(" as ") => return vec![&text[..at], &text[at + 4..]],
            _ => {}
        }
    }
    vec![text]
}

fn last_step(path: &str) -> String {
    let path = without_arguments(path);
    path.rsplit("::").next().unwrap_or(&path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_whose_function_it_is_and_no_more() {
        let check = |long: &str, short: &str| assert_eq!(short_name(long), short, "{long}");
        check("_ZN7website7objects10deployment17hab26d002b1d8c4e5E", "website::objects::deployment");
        check(
            "_ZN98_$LT$$RF$mut$u20$serde_json..de..Deserializer$LT$R$GT$$u20$as$u20$serde_core..de..Deserializer$GT$18deserialize_struct17h3695ea12feb9a1c8E",
            "<Deserializer as Deserializer>::deserialize_struct",
        );
        check(
            "_ZN5alloc3vec16Vec$LT$T$C$A$GT$16extend_desugared17hfcf917b86c16631cE",
            "alloc::vec::Vec::extend_desugared",
        );
        check("_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar");
        check("dlmalloc", "dlmalloc");
        check(
            "windlass:controller/reconciler@0.1.0#reconcile",
            "windlass:controller/reconciler@0.1.0#reconcile",
        );
    }
}
