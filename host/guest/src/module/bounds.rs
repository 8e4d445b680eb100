//! How much a module may hold: counted in its bytes before a compiler sees them.

use std::{fmt, str::FromStr};
use wasmparser::Payload;

macro_rules! measures {
    ($($measure:ident $name:literal $max:literal $what:literal $remedy:literal,)*) => {
        /// What is counted in a module, over all that it is made of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Measure {
            $(
                #[doc = concat!("Named `", $name, "`: ", $what, ".")]
                $measure,
            )*
        }

        impl Measure {
            /// All of them, in the order in which they are told.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$measure),*];

            /// As operators write it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$measure => $name),* }
            }

            fn what(self) -> &'static str {
                match self { $(Self::$measure => $what),* }
            }

            fn remedy(self) -> &'static str {
                match self { $(Self::$measure => $remedy),* }
            }
        }

        impl Default for ModuleBounds {
            /// Twice and more of what the runtimes of Python and JavaScript hold.
            fn default() -> Self {
                Self([$($max),*])
            }
        }
    };
}

measures! {
    Bytes "bytes" 67_108_864 "bytes" "build it for release and strip its debug information",
    Functions "functions" 200_000 "functions" "build it for release, and leave out what it does not use",
    FunctionBytes "function-bytes" 1_048_576 "bytes in its largest function"
        "build it with less inlining (opt-level \"s\"), or split that function",
    Parts "parts" 400 "core modules and components in it" "link it into fewer",
    Depth "depth" 8 "levels of components in components" "compose it flatter",
    Types "types" 200_000 "types" "leave out what it does not use",
    Imports "imports" 100_000 "imports" "leave out what it does not use",
    Exports "exports" 100_000 "exports" "export only what the contract asks for",
    Links "links" 200_000 "instances, aliases and adapters" "link it into fewer core modules",
    Globals "globals" 100_000 "globals" "leave out what it does not use",
    Segments "segments" 100_000 "segments of data and elements" "merge them when it is linked",
}

/// How much a module may hold, by [`Measure`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleBounds([u64; Measure::ALL.len()]);

/// More than a module may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the module has {found} {} and at most {max} are taken: {}, or raise the host's bound (--module-bound {}=N)",
    .measure.what(), .measure.remedy(), .measure.name()
)]
pub struct TooMuch {
    /// Of what.
    pub measure: Measure,
    /// How much there is; at least so much for [`Measure::Depth`], at which counting stops.
    pub found: u64,
    /// The bound.
    pub max: u64,
}

/// One bound as an operator writes it: `functions=300000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModuleBound {
    measure: Measure,
    max: u64,
}

/// A text that is no bound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoBound {
    /// Nothing of that name is counted.
    #[error("nothing is counted as `{0}`: write NAME=N with a NAME of {names}", names = Names)]
    Name(String),
    /// Not a number.
    #[error("`{0}` is no bound: write NAME=N, as functions=300000")]
    Number(String),
}

struct Names;

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Measure::ALL.map(Measure::name).join(", "))
    }
}

impl FromStr for ModuleBound {
    type Err = NoBound;

    fn from_str(text: &str) -> Result<Self, NoBound> {
        let (name, number) = text.split_once('=').ok_or_else(|| NoBound::Number(text.to_owned()))?;
        let max = number.parse().map_err(|_| NoBound::Number(text.to_owned()))?;
        let measure = Measure::ALL.into_iter().find(|measure| measure.name() == name);
        Ok(Self { measure: measure.ok_or_else(|| NoBound::Name(name.to_owned()))?, max })
    }
}

impl ModuleBounds {
    /// How much of this it may hold.
    #[must_use]
    pub fn max(&self, measure: Measure) -> u64 {
        self.0[measure as usize]
    }

    /// The same with another bound.
    #[must_use]
    pub fn with(mut self, measure: Measure, max: u64) -> Self {
        self.0[measure as usize] = max;
        self
    }

    /// The same with what an operator wrote; the last word holds.
    #[must_use]
    pub fn with_all(self, written: &[ModuleBound]) -> Self {
        written.iter().fold(self, |bounds, one| bounds.with(one.measure, one.max))
    }

    /// Whether so much of this may be.
    pub(super) fn check(&self, measure: Measure, found: u64) -> Result<(), TooMuch> {
        let max = self.max(measure);
        if found > max { Err(TooMuch { measure, found, max }) } else { Ok(()) }
    }
}

/// What was counted so far.
#[derive(Debug, Default)]
pub(super) struct Census([u64; Measure::ALL.len()]);

impl Census {
    /// Takes a part of a module in. What a section says of its length is believed: validation would not let pass
    /// what does not hold as much.
    pub(super) fn count(&mut self, payload: &Payload<'_>) {
        match payload {
            Payload::FunctionSection(section) => self.add(Measure::Functions, section.count()),
            Payload::CodeSectionEntry(body) => {
                let (range, bytes) = (body.range(), &mut self.0[Measure::FunctionBytes as usize]);
                *bytes = (*bytes).max(range.end.saturating_sub(range.start));
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => self.add(Measure::Parts, 1),
            Payload::TypeSection(section) => self.add(Measure::Types, section.count()),
            Payload::CoreTypeSection(section) => self.add(Measure::Types, section.count()),
            Payload::ComponentTypeSection(section) => self.add(Measure::Types, section.count()),
            Payload::ImportSection(section) => self.add(Measure::Imports, section.count()),
            Payload::ComponentImportSection(section) => self.add(Measure::Imports, section.count()),
            Payload::ExportSection(section) => self.add(Measure::Exports, section.count()),
            Payload::ComponentExportSection(section) => self.add(Measure::Exports, section.count()),
            Payload::InstanceSection(section) => self.add(Measure::Links, section.count()),
            Payload::ComponentInstanceSection(section) => self.add(Measure::Links, section.count()),
            Payload::ComponentAliasSection(section) => self.add(Measure::Links, section.count()),
            Payload::ComponentCanonicalSection(section) => self.add(Measure::Links, section.count()),
            Payload::GlobalSection(section) => self.add(Measure::Globals, section.count()),
            Payload::ElementSection(section) => self.add(Measure::Segments, section.count()),
            Payload::DataSection(section) => self.add(Measure::Segments, section.count()),
            _ => {}
        }
    }

    fn add(&mut self, measure: Measure, more: u32) {
        let count = &mut self.0[measure as usize];
        *count = count.saturating_add(more.into());
    }

    /// The first measure that is above its bound.
    pub(super) fn check(&self, bounds: &ModuleBounds) -> Result<(), TooMuch> {
        Measure::ALL.into_iter().try_for_each(|measure| bounds.check(measure, self.0[measure as usize]))
    }
}
