//! Hostile modules: a corpus of small texts, each with the verdict that it must come to, made into components.
//!
//! A file of the corpus is a part of `frame.wat`: it defines the function `$attack`, which a reconcile calls, and
//! whatever that needs. A file that begins with `(component` or `(module` stands for itself. The lines before say what
//! is expected:
//!
//! ```text
//! ;; It asks for other people's secrets.
//! ;; verdict: says NotGranted
//! ;; each VERB: get | list            (one module for each value, which takes the place of {{VERB}})
//! ;; grant: {apiGroups: [], …}        (in place of one kind in one namespace)
//! ;; limits: memory: 1Mi              (beside those that every module of the corpus has)
//! ;; reached: memory                  (a limit that it must come to, by a fact and the metric)
//! ;; told: memory                     (the same, and the end of its run or its own words say who raises the limit)
//! ;; victims: 3                       (objects that it reconciles; one unless it says so)
//! ;; watch: mapped                    (its `targets` is asked for the changes of its victims)
//! ;; encoding: utf16                  (of the texts that pass between it and the host)
//! ;; beside: resources                (a core module more in its component; see `beside.rs`)
//! ;; pages: 3                         (of its memory)
//! ```
//!
//! `{{7 * text}}` is that text seven times, with its number for each `{n}` in it; `${name}` is the module's name. A line `;; part realloc`, `describe` or
//! `targets` begins what stands in front of that function of the frame.

mod beside;
mod image;
mod mangled;
mod parse;

use crate::modules;
use beside::beside;
use image::Image;
pub use mangled::mangled;
use std::path::Path;
use wit_component::StringEncoding;

/// What becomes of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It never serves, and the reason says so; where there is ` || ` in this, one side of it.
    Refused(String),
    /// Its run dies of this kind of trap, with this in the message.
    Trapped(String, String),
    /// Its run ends by itself, having been told this.
    Says(String),
    /// Its run fails with this in the message and is tried again.
    Retries(String),
    /// Its run succeeds; what it did is within bounds.
    Done,
    /// It is described, and then waits for its operator, who is told this.
    Waits(String),
    /// It asks to run again, and again.
    Requeues,
    /// It is found to wake itself.
    Fights,
    /// It may serve or not: only the host must stand.
    Any,
}

/// A module and what is expected of it.
#[derive(Clone, Debug)]
pub struct Attack {
    /// Its name as a module: that of its file, with a number where the file makes several.
    pub name: String,
    /// The component, or what pretends to be one.
    pub bytes: Vec<u8>,
    /// Lines of its manifest's `spec`.
    pub spec: String,
    /// What becomes of it.
    pub verdict: Verdict,
    /// Limits that it must come to.
    pub reached: Vec<String>,
    /// Limits that it must come to, and of which the run's end or the answer to it must tell who raises them.
    pub told: Vec<String>,
    /// Objects that it reconciles.
    pub victims: usize,
}

/// What a hostile module is granted unless its file says otherwise: one kind in one namespace.
const GRANT: &str =
    "grant: {rules: [{apiGroups: [''], resources: [configmaps], verbs: ['*'], namespaces: [default]}]}";
/// And what it may use.
const LIMITS: &str = "cpuPerRun: 60ms, deadline: 15s, memory: 4Mi";

/// Reads every file of a corpus.
///
/// # Panics
/// When a file is not as it should be: the corpus is part of a test.
pub fn corpus(folder: &Path) -> Vec<Attack> {
    let frame = std::fs::read_to_string(folder.with_file_name("frame.wat")).unwrap();
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "wat"));
    files.sort();
    files.iter().flat_map(|file| attacks_of(file, &frame)).collect()
}

fn attacks_of(file: &Path, frame: &str) -> Vec<Attack> {
    let stem = file.file_stem().unwrap().to_string_lossy().into_owned();
    let text = std::fs::read_to_string(file).unwrap();
    let variants = parse::variants(&text);
    let single = variants.len() == 1;
    let made = variants.iter().enumerate().map(|(nth, text)| {
        let name = if single { stem.clone() } else { format!("{stem}-{nth}") };
        attack(&name, text, frame)
    });
    made.collect()
}

fn attack(name: &str, text: &str, frame: &str) -> Attack {
    let header = parse::header(text);
    let limits = header.one("limits").map_or_else(|| LIMITS.to_owned(), |more| format!("{LIMITS}, {more}"));
    let limits = parse::last_of_each(&limits);
    let grant =
        header.one("grant").map_or_else(|| GRANT.to_owned(), |rules| format!("grant: {{rules: [{rules}]}}"));
    Attack {
        name: name.to_owned(),
        bytes: bytes(name, &parse::body(text), frame, &header),
        spec: format!("  {grant}\n  limits: {{{limits}}}\n"),
        verdict: verdict(header.one("verdict").unwrap_or_else(|| panic!("{name} has no verdict"))),
        reached: header.all("reached").map(str::to_owned).collect(),
        told: header.all("told").map(str::to_owned).collect(),
        victims: header.one("victims").map_or(1, |number| number.parse().unwrap()),
    }
}

fn verdict(text: &str) -> Verdict {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    match word {
        "refused" => Verdict::Refused(rest.to_owned()),
        "waits" => Verdict::Waits(rest.to_owned()),
        "trapped" => {
            let (kind, says) = rest.split_once(' ').unwrap_or((rest, ""));
            Verdict::Trapped(kind.to_owned(), says.to_owned())
        }
        "says" => Verdict::Says(rest.to_owned()),
        "retries" => Verdict::Retries(rest.to_owned()),
        "done" => Verdict::Done,
        "requeues" => Verdict::Requeues,
        "fights" => Verdict::Fights,
        "any" => Verdict::Any,
        other => panic!("`{other}` is no verdict"),
    }
}

fn bytes(name: &str, body: &str, frame: &str, header: &parse::Header<'_>) -> Vec<u8> {
    if body.trim_start().starts_with("(component") || body.trim_start().starts_with("(module") {
        return wat::parse_str(body).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let encoding = match header.one("encoding") {
        None | Some("utf8") => StringEncoding::UTF8,
        Some("utf16") => StringEncoding::UTF16,
        Some("latin1+utf16") => StringEncoding::CompactUTF16,
        Some(other) => panic!("{name}: `{other}` is no encoding"),
    };
    let core = core(name, body, frame, header, encoding);
    let component = match encoding {
        StringEncoding::UTF8 => modules::component_of(&core, name),
        other => modules::component_in(&core, name, other),
    };
    header.all("beside").fold(component, |component, what| beside(&component, what))
}

fn core(
    name: &str,
    body: &str,
    frame: &str,
    header: &parse::Header<'_>,
    encoding: StringEncoding,
) -> Vec<u8> {
    let [fields, realloc, describe, targets] = parse::parts(body);
    let idle = if fields.contains("(func $attack") { "" } else { "(func $attack)" };
    let image = Image::describing(name, encoding, header.one("watch") == Some("mapped"));
    let text = frame
        .replace("${pages}", header.one("pages").unwrap_or("3"))
        .replace("${realloc}", &realloc)
        .replace("${describe}", &describe)
        .replace("${targets}", &targets)
        .replace("${description}", &image.root.to_string())
        .replace("${body}", &format!("{fields}\n{idle}"))
        .replace("${name}", name);
    let (text, texts) = parse::laid_out(&text);
    let data = format!("{texts}\n(data (i32.const {}) \"{}\")", Image::BASE, image.escaped());
    let text = text.replace("${texts}", &data);
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}
