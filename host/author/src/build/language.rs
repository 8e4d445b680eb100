//! What language a module's folder is written in.

use std::{fmt, path::Path};

/// The languages that modules are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// `Cargo.toml`
    Rust,
    /// `go.mod`
    Go,
    /// `pyproject.toml`
    Python,
    /// `package.json`
    JavaScript,
    /// A `.c` file.
    C,
}

impl Language {
    /// Tells by the files that each language's own tools want.
    #[must_use]
    pub fn of(dir: &Path) -> Option<Self> {
        let by_file = [
            ("Cargo.toml", Self::Rust),
            ("go.mod", Self::Go),
            ("pyproject.toml", Self::Python),
            ("package.json", Self::JavaScript),
        ];
        by_file
            .into_iter()
            .find(|(file, _)| dir.join(file).is_file())
            .map(|(_, language)| language)
            .or_else(|| has_c_file(dir).then_some(Self::C))
    }
}

fn has_c_file(dir: &Path) -> bool {
    let Ok(entries) = dir.read_dir() else { return false };
    entries.flatten().any(|entry| entry.path().extension().is_some_and(|extension| extension == "c"))
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "Rust",
            Self::Go => "Go",
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
            Self::C => "C",
        })
    }
}
