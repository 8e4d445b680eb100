//! A host's status as a page for people: what `windlass status` prints.

use super::{ControllerStatus, ModuleState, ModuleStatus, StatusReport};
use crate::manifest::format_duration;
use std::{fmt, time::Duration};
use windlass_guest::text::visible;

/// Hexadecimal digits of a digest that people compare.
const DIGEST_CHARS: usize = 12;

impl fmt::Display for StatusReport {
    /// What modules and servers wrote stands in it, so it is made visible as a whole.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut page = String::new();
        self.write_page(&mut page)?;
        f.write_str(&visible(&page))
    }
}

impl StatusReport {
    fn write_page(&self, f: &mut impl fmt::Write) -> fmt::Result {
        let uptime = format_duration(Duration::from_secs(self.uptime_seconds));
        let holder = self.leadership.holder.as_deref();
        let leads = match (self.leadership.leading, holder) {
            (true, _) => "runs the modules".to_owned(),
            (false, Some(holder)) => format!("waits: {holder} holds the lease"),
            (false, None) => "waits for the lease".to_owned(),
        };
        let leads = match &self.leadership.trouble {
            Some(why) => format!("{leads}; the last attempt failed: {why}"),
            None => leads,
        };
        writeln!(f, "Windlass {}, process {}, up {uptime}, {leads}\n", self.version, self.process_id)?;
        if self.modules.is_empty() {
            writeln!(f, "No modules: put a .wasm file into the modules directory.")?;
        } else {
            write_table(f, self.module_rows())?;
            self.modules.iter().try_for_each(|module| write_notes(f, module))?;
        }
        if !self.watches.is_empty() {
            writeln!(f)?;
            write_table(f, self.watch_rows())?;
        }
        Ok(())
    }

    /// Where another host holds the lease, what could serve stands by; a sleeper serves as well.
    fn state_of(&self, module: &ModuleStatus) -> String {
        match module.state {
            ModuleState::Serving if !self.leadership.leading => "standing by".to_owned(),
            ModuleState::Serving if module.asleep => "asleep".to_owned(),
            state => state.to_string(),
        }
    }

    fn module_rows(&self) -> Vec<Vec<String>> {
        let head = ["MODULE", "STATE", "GENERATION", "DIGEST", "VERSION", "READY", "RUNNING", "DELAYED"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        rows.extend(self.modules.iter().map(|module| {
            let sum = |of: fn(&ControllerStatus) -> usize| {
                module.controllers.iter().map(of).sum::<usize>().to_string()
            };
            let digest: String =
                module.digest.iter().flat_map(|digest| digest.chars().take(DIGEST_CHARS)).collect();
            vec![
                module.name.clone(),
                self.state_of(module),
                module.generation.to_string(),
                digest,
                module.version.clone(),
                sum(|controller| controller.ready),
                sum(|controller| controller.running),
                sum(|controller| controller.delayed),
            ]
        }));
        rows
    }

    fn watch_rows(&self) -> Vec<Vec<String>> {
        let mut rows =
            vec![["WATCH", "NAMESPACE", "SELECTOR", "OBJECTS", "STATE", "FOR"].map(str::to_owned).to_vec()];
        rows.extend(self.watches.iter().map(|watch| {
            let state = match (&watch.error, watch.synced) {
                (Some(error), _) => error.clone(),
                (None, true) => "in step".to_owned(),
                (None, false) => "syncing".to_owned(),
            };
            let namespace = watch.namespace.clone().unwrap_or_else(|| "all".to_owned());
            let kind = match watch.metadata_only {
                true => format!("{} (metadata)", watch.kind),
                false => watch.kind.clone(),
            };
            let users: Vec<_> = watch.users.iter().map(ToString::to_string).collect();
            let objects = watch.objects.to_string();
            let selector = if watch.selector.is_empty() { "-".to_owned() } else { watch.selector.clone() };
            vec![kind, namespace, selector, objects, state, users.join(", ")]
        }));
        rows
    }
}

/// What does not fit a cell.
fn write_notes(f: &mut impl fmt::Write, module: &ModuleStatus) -> fmt::Result {
    let name = &module.name;
    if let Some(reason) = &module.reason {
        write_note(f, name, reason)?;
    }
    if let Some(rejected) = &module.rejected {
        write_note(f, &format!("{name}: a newer version was rejected"), &rejected.reason)?;
    }
    for condition in &module.conditions {
        write_note(f, &format!("{name}: {}", condition.kind), &condition.message)?;
    }
    for controller in &module.controllers {
        if let Some(error) = &controller.last_error {
            let ago = format_duration(Duration::from_secs(error.seconds_ago));
            let about = format!("{name}/{} {}: failed {ago} ago", controller.name, error.object);
            write_note(f, &about, &error.message)?;
        }
    }
    Ok(())
}

/// One line; below what it is about where it takes more, so that carets stay under what they point at.
fn write_note(f: &mut impl fmt::Write, about: &str, text: &str) -> fmt::Result {
    let text = text.trim_end();
    if !text.contains('\n') {
        return write!(f, "\n{about}: {text}\n");
    }
    write!(f, "\n{about}:\n")?;
    text.lines().try_for_each(|line| writeln!(f, "  {line}"))
}

/// Columns as wide as their widest cell, two spaces apart.
fn write_table(f: &mut impl fmt::Write, rows: Vec<Vec<String>>) -> fmt::Result {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in &rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        writeln!(f, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::control::{
        Condition, ControllerStatus, LastError, Leadership, ModuleState, ModuleStatus, Rejection,
        StatusReport, WatchStatus, WatchUser,
    };

    /// One that a description wants, and one that only a request follows.
    fn watches() -> Vec<WatchStatus> {
        let user = |controller: &str, subscriptions| WatchUser {
            controller: controller.into(),
            declared: subscriptions == 0,
            subscriptions,
        };
        let watch = WatchStatus {
            kind: "v1 ConfigMap".into(),
            synced: true,
            objects: 12,
            users: vec![user("website/page", 0), user("website/site", 2)],
            ..WatchStatus::default()
        };
        let narrow = WatchStatus {
            kind: "v1 Secret".into(),
            namespace: Some("default".into()),
            selector: "metadata.name=tls".into(),
            metadata_only: true,
            users: vec![user("website/site", 1)],
            ..WatchStatus::default()
        };
        vec![watch, narrow]
    }

    #[test]
    fn a_status_reads_as_a_page() {
        let last_error =
            Some(LastError { object: "default/shop".into(), message: "no image".into(), seconds_ago: 3 });
        let controller = |name: &str, ready, last_error| ControllerStatus {
            name: name.into(),
            kind: "example.com/v1 Website".into(),
            ready,
            running: 1,
            delayed: 0,
            last_error,
        };
        let module = ModuleStatus {
            name: "website".into(),
            state: ModuleState::Serving,
            reason: None,
            digest: Some("0123456789abcdef".into()),
            generation: 3,
            title: "Websites".into(),
            version: "1.2".into(),
            rejected: Some(Rejection {
                digest: None,
                reason: "website.yaml:4:1: unknown field `sepc`\n4 | sepc:\n  | ^^^^".into(),
            }),
            asleep: false,
            conditions: vec![Condition { kind: "Fighting".into(), message: "two write .data.x".into() }],
            subscriptions: 3,
            controllers: vec![controller("site", 2, last_error), controller("page", 5, None)],
        };
        let report = StatusReport {
            version: "0.1.0".into(),
            process_id: 42,
            uptime_seconds: 3661,
            leadership: Leadership { leading: true, ..Leadership::default() },
            modules: vec![module],
            watches: watches(),
        };
        let waits = StatusReport { leadership: Leadership::default(), ..report.clone() };
        assert!(waits.to_string().contains("standing by"), "{waits}");
        let expected = "\
Windlass 0.1.0, process 42, up 1h1m1s, runs the modules

MODULE   STATE    GENERATION  DIGEST        VERSION  READY  RUNNING  DELAYED
website  serving  3           0123456789ab  1.2      7      2        0

website: a newer version was rejected:
  website.yaml:4:1: unknown field `sepc`
  4 | sepc:
    | ^^^^

website: Fighting: two write .data.x

website/site default/shop: failed 3s ago: no image

WATCH                 NAMESPACE  SELECTOR           OBJECTS  STATE    FOR
v1 ConfigMap          all        -                  12       in step  website/page, website/site (2 reads)
v1 Secret (metadata)  default    metadata.name=tls  0        syncing  website/site (1 read)
";
        assert_eq!(report.to_string(), expected);
    }

    #[test]
    fn a_host_without_modules_says_what_to_do() {
        let holder = Some("node-b".to_owned());
        let leadership = Leadership { leading: false, holder, trouble: Some("Forbidden".to_owned()) };
        let page = StatusReport { leadership, ..StatusReport::default() }.to_string();
        assert!(
            page.contains("waits: node-b holds the lease; the last attempt failed: Forbidden")
                && page.contains("put a .wasm file"),
            "{page}"
        );
    }
}
