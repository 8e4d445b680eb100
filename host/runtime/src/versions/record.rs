//! What is kept of one module.

use serde::{Deserialize, Serialize};
use windlass_core::name::Digest;

/// Rejected bytes that are remembered of a module; the oldest are forgotten first.
const REJECTED_MAX: usize = 16;

/// Which versions of a module there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Record {
    /// The version that serves, or served last: 64 hexadecimal digits.
    #[serde(with = "hex")]
    serving: Option<Digest>,
    /// The version that it can go back to.
    #[serde(with = "hex")]
    before: Option<Digest>,
    /// In the order in which they were rejected.
    rejected: Vec<Rejected>,
}

/// Bytes that are not wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rejected {
    /// Which.
    digest: Hex,
    /// What they did.
    pub(crate) reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hex(Digest);

impl Record {
    pub(super) fn rejected(&self, digest: &Digest) -> Option<&Rejected> {
        self.rejected.iter().find(|rejected| rejected.digest.0 == *digest)
    }

    pub(super) fn before(&self, digest: &Digest) -> Option<Digest> {
        let versions = [self.serving, self.before].into_iter().flatten();
        versions.into_iter().find(|one| one != digest && self.rejected(one).is_none())
    }

    pub(super) fn last(&self) -> Option<Digest> {
        self.serving.filter(|one| self.rejected(one).is_none())
    }

    /// Whether anything is another than before.
    pub(super) fn serves(&mut self, digest: Digest, good: Option<Digest>) -> bool {
        let last = self.last().filter(|last| *last != digest);
        let before = good.or(last).or(self.before).filter(|before| *before != digest);
        let changed = (self.serving, self.before) != (Some(digest), before);
        (self.serving, self.before) = (Some(digest), before);
        changed
    }

    pub(super) fn reject(&mut self, digest: Digest, reason: String) {
        self.rejected.retain(|rejected| rejected.digest.0 != digest);
        if self.rejected.len() == REJECTED_MAX {
            self.rejected.remove(0);
        }
        self.rejected.push(Rejected { digest: Hex(digest), reason });
    }

    pub(super) fn forgive(&mut self) -> bool {
        !std::mem::take(&mut self.rejected).is_empty()
    }

    pub(super) fn withdrawn(&mut self) -> bool {
        let had = (self.serving, self.before) != (None, None);
        (self.serving, self.before) = (None, None);
        had
    }

    /// The versions whose bytes are kept.
    pub(super) fn kept(&self) -> impl Iterator<Item = Digest> {
        [self.serving, self.before].into_iter().flatten()
    }
}

impl Serialize for Hex {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        parse(&text).map(Hex).ok_or_else(|| serde::de::Error::custom("not 64 hexadecimal digits"))
    }
}

fn parse(text: &str) -> Option<Digest> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(Digest(bytes))
}

mod hex {
    use super::{Digest, Hex};
    use serde::{Deserialize as _, Serialize as _};

    pub(super) fn serialize<S: serde::Serializer>(digest: &Option<Digest>, to: S) -> Result<S::Ok, S::Error> {
        digest.map(Hex).serialize(to)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Digest>, D::Error> {
        Ok(Option::<Hex>::deserialize(from)?.map(|hex| hex.0))
    }
}
