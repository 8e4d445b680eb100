//! What is wrong with a manifest, told as a compiler tells it.

use super::yaml::At;
use std::{fmt, path::PathBuf};

/// Everything that is wrong with one manifest. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestError {
    /// The file, as it was named to the reader.
    pub file: PathBuf,
    /// In the order of the text.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Counts from 1.
    pub line: usize,
    /// Counts from 1, in characters.
    pub column: usize,
    /// Characters to underline.
    pub width: usize,
    /// What is wrong.
    pub message: String,
    /// Said beside the caret; may be empty.
    pub label: String,
    /// What to do next.
    pub help: Option<String>,
    /// The line it is about.
    pub excerpt: String,
}

/// A longer line is cut around the caret, so that a terminal holds it.
const EXCERPT_CHARS_MAX: usize = 160;

impl ManifestError {
    /// Puts problems in order and gives each the line it is about.
    pub(super) fn new(file: PathBuf, text: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| (problem.line, problem.column));
        let lines: Vec<&str> = text.lines().collect();
        for problem in &mut problems {
            let line = lines.get(problem.line - 1).copied().unwrap_or_default();
            problem.excerpt = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        }
        Self { file, problems }
    }

    /// The first problem in one line, for where there is no room for more: `website.yaml:3:1: unknown field …`.
    #[must_use]
    pub fn summary(&self) -> String {
        let Some(first) = self.problems.first() else { return self.file.display().to_string() };
        let more = match self.problems.len() {
            0 | 1 => String::new(),
            many => format!(" (and {} more)", many - 1),
        };
        let label = if first.label.is_empty() { String::new() } else { format!("; {}", first.label) };
        format!("{}:{}:{}: {}{label}{more}", self.file.display(), first.line, first.column, first.message)
    }
}

impl Problem {
    pub(super) fn new(at: At, message: impl Into<String>) -> Self {
        Self {
            line: at.line,
            column: at.column,
            width: at.width,
            message: message.into(),
            label: String::new(),
            help: None,
            excerpt: String::new(),
        }
    }

    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, file: &std::path::Path) -> fmt::Result {
        let gutter = self.line.to_string().len();
        let (excerpt, column) = self.cut();
        writeln!(f, "error: {}", self.message)?;
        writeln!(f, "{:gutter$}--> {}:{}:{}", "", file.display(), self.line, self.column)?;
        writeln!(f, "{:gutter$} |", "")?;
        writeln!(f, "{} | {excerpt}", self.line)?;
        write!(f, "{:gutter$} | {:indent$}{}", "", "", "^".repeat(self.width), indent = column - 1)?;
        if !self.label.is_empty() {
            write!(f, " {}", self.label)?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n{:gutter$} |\n{:gutter$} = help: {help}", "", "")?;
        }
        Ok(())
    }

    /// The line, or the part of it around the caret, and the caret's column in that.
    fn cut(&self) -> (String, usize) {
        if self.excerpt.chars().count() <= EXCERPT_CHARS_MAX {
            return (self.excerpt.clone(), self.column);
        }
        let skipped = (self.column - 1).saturating_sub(EXCERPT_CHARS_MAX / 4);
        (self.excerpt.chars().skip(skipped).take(EXCERPT_CHARS_MAX).collect(), self.column - skipped)
    }
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, problem) in self.problems.iter().enumerate() {
            if nth > 0 {
                f.write_str("\n\n")?;
            }
            problem.write(f, &self.file)?;
        }
        Ok(())
    }
}

impl std::error::Error for ManifestError {}
