//! Lists at one version: the current one, or an earlier one rebuilt from history.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::state::{Collection, State};
use super::{StoreError, Stored};

/// What to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct Listing<'a> {
    /// Keys that begin so: `namespace/`, or empty for all.
    pub prefix: &'a str,
    /// Begin at this key, if later than the prefix; from a continue token.
    pub start: Option<&'a str>,
    /// At exactly this version; `None` is the current one.
    pub version: Option<u64>,
    /// Objects wanted at most; 0 is all.
    pub limit: usize,
}

/// Objects of a list in key order, all at one version.
#[derive(Debug)]
pub struct Page {
    /// The objects.
    pub items: Vec<Arc<Stored>>,
    /// The version they are of.
    pub version: u64,
    /// How many more follow after the limit.
    pub remaining: usize,
}

impl State {
    pub(super) fn list(&self, resource: &str, listing: Listing<'_>) -> Result<Page, StoreError> {
        let version = listing.version.unwrap_or(self.version);
        if version > self.version {
            return Err(StoreError::Future { asked: version, current: self.version });
        }
        let oldest = self.oldest(resource);
        if version != self.version && version < oldest {
            return Err(StoreError::Expired { asked: version, oldest });
        }
        let mut page = Page { items: Vec::new(), version, remaining: 0 };
        if let Some(collection) = self.collection(resource) {
            collection.list(&listing, &mut page);
        }
        Ok(page)
    }
}

impl Collection {
    fn list(&self, listing: &Listing<'_>, page: &mut Page) {
        let undone = self.undone_after(page.version, listing);
        let mut take = |object: &Arc<Stored>| {
            if listing.limit == 0 || page.items.len() < listing.limit {
                page.items.push(Arc::clone(object));
            } else {
                page.remaining += 1;
            }
        };
        let mut undone = undone.into_iter().peekable();
        for (key, object) in self.range(listing) {
            while let Some((_, was)) = undone.next_if(|(earlier, _)| *earlier < &**key) {
                was.into_iter().for_each(&mut take);
            }
            match undone.next_if(|(same, _)| *same == &**key) {
                Some((_, was)) => was.into_iter().for_each(&mut take),
                None => take(object),
            }
        }
        undone.filter_map(|(_, was)| was).for_each(take);
    }

    fn range(&self, listing: &Listing<'_>) -> impl Iterator<Item = (&Box<str>, &Arc<Stored>)> {
        let from = begin(listing);
        let prefix = listing.prefix.to_owned();
        self.objects
            .range::<str, _>((Bound::Included(from), Bound::Unbounded))
            .take_while(move |(key, _)| key.starts_with(&prefix))
    }

    /// Keys changed after `version`, with what they held at it.
    fn undone_after(&self, version: u64, listing: &Listing<'_>) -> BTreeMap<&str, Option<&Arc<Stored>>> {
        let from = begin(listing);
        self.history
            .after(version)
            .rev()
            .map(|change| (&*change.object.key, change.previous.as_ref()))
            .filter(|(key, _)| *key >= from && key.starts_with(listing.prefix))
            .collect()
    }
}

fn begin<'a>(listing: &Listing<'a>) -> &'a str {
    listing.start.filter(|start| *start > listing.prefix).unwrap_or(listing.prefix)
}
