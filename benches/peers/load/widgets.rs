//! The objects that change: small ones, each in the namespace of one module.

use bytes::Bytes;
use std::{
    fmt::Write,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Instant,
};
use windlass_core::name::Kind;
use windlass_peers::server::{GROUP, Server};

/// How many there are: each changes once in so many milliseconds.
pub(crate) const COUNT: usize = 5_000;
/// Namespaces that they are in.
pub(crate) const NAMESPACES: usize = 48;

/// Their kind.
pub(crate) fn kind() -> Kind {
    Kind::new(&format!("{GROUP}/v1"), "Widget")
}

/// The namespace of a widget, or of the module that wants only this one.
pub(crate) fn namespace(n: usize) -> String {
    format!("tenant-{:02}", n % NAMESPACES)
}

fn body(n: usize, version: usize) -> String {
    format!(
        r#""metadata":{{"name":"{n}","namespace":"{}","uid":"widget-{n}","resourceVersion":"{version}"}},"spec":{{"turn":{version}}}}}"#,
        namespace(n)
    )
}

/// The one page of their list.
pub(crate) fn pages() -> Vec<Bytes> {
    let items: Vec<_> = (0..COUNT).map(|n| format!("{{{}", body(n, n + 1))).collect();
    let page = format!(
        r#"{{"kind":"WidgetList","apiVersion":"{GROUP}/v1","metadata":{{"resourceVersion":"{COUNT}"}},"items":[{}]}}"#,
        items.join(",")
    );
    vec![page.into()]
}

/// Changes them in turn, and remembers when.
pub(crate) struct Widgets {
    server: Server,
    next: AtomicUsize,
    changed_at: Mutex<Vec<Option<Instant>>>,
}

impl Widgets {
    pub(crate) fn new(server: Server) -> Self {
        Self { server, next: AtomicUsize::new(0), changed_at: Mutex::new(vec![None; COUNT]) }
    }

    /// Sends so many changes over the watch.
    pub(crate) fn change(&self, count: usize) {
        let mut lines = String::new();
        let first = self.next.fetch_add(count, Relaxed);
        for turn in first..first + count {
            let body = body(turn % COUNT, COUNT + turn + 1);
            writeln!(
                lines,
                r#"{{"type":"MODIFIED","object":{{"kind":"Widget","apiVersion":"{GROUP}/v1",{body}}}"#
            )
            .expect("writing to a String does not fail");
        }
        let now = Instant::now();
        let mut changed_at = self.changed_at.lock().expect("nothing panics here");
        (first..first + count).for_each(|turn| changed_at[turn % COUNT] = Some(now));
        drop(changed_at);
        self.server.tell("widgets", lines.into());
    }

    /// When a widget changed last; none while it never has.
    pub(crate) fn changed_at(&self, n: usize) -> Option<Instant> {
        self.changed_at.lock().expect("nothing panics here")[n]
    }
}
