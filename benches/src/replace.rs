//! A module's file is replaced under a running host.

use crate::cluster::Host;
use anyhow::Result;
use std::{
    fs,
    io::Write as _,
    thread::sleep,
    time::{Duration, Instant},
};

/// Between two reloads: what the one before caused is over.
pub const REST: Duration = Duration::from_millis(300);

/// As `cp` does.
const COPIED_AT_ONCE: usize = 128 << 10;

/// How the file of a module is replaced; answers when it was complete.
pub type Replace = fn(&Host, &str, &[u8]) -> Result<Instant>;

/// Both ways.
pub const WAYS: [(&str, Replace); 2] = [("renamed into place", renamed), ("copied in place", copied)];

/// Written beside it, then renamed.
///
/// # Errors
/// A file cannot be written.
pub fn renamed(host: &Host, name: &str, component: &[u8]) -> Result<Instant> {
    fs::write(host.folder.beside(), component)?;
    fs::rename(host.folder.beside(), host.folder.file(name))?;
    Ok(Instant::now())
}

/// Written over what was there.
///
/// # Errors
/// As [`renamed`].
pub fn copied(host: &Host, name: &str, component: &[u8]) -> Result<Instant> {
    let mut file = fs::File::create(host.folder.file(name))?;
    component.chunks(COPIED_AT_ONCE).try_for_each(|part| file.write_all(part))?;
    drop(file);
    Ok(Instant::now())
}

/// From the complete file until the version serves, and until it has run. The host logs its runs.
///
/// # Errors
/// The host ended, or it does not take the file.
pub fn reload(host: &mut Host, replace: Replace, name: &str, component: &[u8]) -> Result<[Duration; 2]> {
    sleep(REST);
    host.program.forget();
    let complete = replace(host, name, component)?;
    let serves = host.program.wait_for(&["module serves"])?;
    let ran = host.program.wait_for(&["DEBUG run", "the module was replaced"])?;
    Ok([serves.at - complete, ran.at - complete])
}
