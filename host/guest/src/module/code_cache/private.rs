//! A directory that belongs to this user alone, reached by its descriptor: whatever its path comes to mean later, its
//! files are those of the directory that was looked at. Links are not followed, and a file is read only if nobody
//! else could have written it.

use rustix::{
    fs::{
        AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, fchmod,
        fstat, futimens, mkdirat, open, openat, renameat, statat, unlinkat,
    },
    process::geteuid,
};
use std::{
    fs::File,
    io,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

/// A directory of this user alone.
#[derive(Debug)]
pub(super) struct PrivateDirectory {
    path: PathBuf,
    descriptor: OwnedFd,
}

/// One of its files.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) bytes: u64,
    /// Seconds and nanoseconds since 1970, by the file's modification time.
    pub(super) used_at: (i64, i64),
}

/// What a file is called while it is written.
const PART: &str = "part";

impl PrivateDirectory {
    /// Opens the directory, or makes it with all above it.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty()) {
            std::fs::create_dir_all(above)?;
        }
        match mkdirat(CWD, path, Mode::RWXU) {
            Ok(()) => {}
            Err(error) if error == rustix::io::Errno::EXIST => {}
            Err(error) => return Err(error.into()),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let descriptor = open(path, flags, Mode::empty())?;
        if fstat(&descriptor)?.st_uid != geteuid().as_raw() {
            return Err(io::Error::other("it belongs to another user"));
        }
        fchmod(&descriptor, Mode::RWXU)?;
        Ok(Self { path: path.to_owned(), descriptor })
    }

    /// For messages.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Opens a file that only this user can have written: a plain file of its own, with one name, closed to others.
    pub(super) fn file(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(&self.descriptor, name, flags, Mode::empty())?;
        let stat = fstat(&file)?;
        let fault = match () {
            () if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile => "it is no plain file",
            () if stat.st_uid != geteuid().as_raw() => "it belongs to another user",
            () if stat.st_mode & 0o077 != 0 => "others may open it",
            () if stat.st_nlink != 1 => "it has a second name",
            () => return Ok(file.into()),
        };
        Err(io::Error::other(fault))
    }

    /// Writes a file (0600) so that it is there whole or not at all; it is then open for reading too.
    pub(super) fn write(
        &self,
        name: &str,
        content: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<File> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let part = format!("{:016x}.{PART}", u64::from_le_bytes(random));
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(openat(&self.descriptor, &*part, flags, Mode::RUSR | Mode::WUSR)?);
        let written =
            content(&mut file).and_then(|()| Ok(renameat(&self.descriptor, &*part, &self.descriptor, name)?));
        if let Err(error) = written {
            // A part that stays behind is never read, and removed at the next start.
            unlinkat(&self.descriptor, &*part, AtFlags::empty()).unwrap_or_default();
            return Err(error);
        }
        Ok(file)
    }

    /// Removes a file, if it is there; how long it was.
    pub(super) fn remove(&self, name: &str) -> io::Result<u64> {
        let found = self.stat(name)?;
        match unlinkat(&self.descriptor, name, AtFlags::empty()) {
            Ok(()) => Ok(found.map_or(0, |stat| size(&stat))),
            Err(error) if error == rustix::io::Errno::NOENT => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// Its files with this extension.
    pub(super) fn list(&self, extension: &str) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in Dir::read_from(&self.descriptor)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.rsplit_once('.').is_none_or(|(_, end)| end != extension) {
                continue;
            }
            // It may be gone by now.
            if let Some(stat) = self.stat(&name)? {
                let used_at = (stat.st_mtime, i64::try_from(stat.st_mtime_nsec).unwrap_or_default());
                entries.push(Entry { name, bytes: size(&stat), used_at });
            }
        }
        Ok(entries)
    }

    /// Its files with this extension, after what an earlier process left half written is gone.
    pub(super) fn clean(&self, extension: &str) -> io::Result<Vec<Entry>> {
        for part in self.list(PART)? {
            self.remove(&part.name)?;
        }
        self.list(extension)
    }

    fn stat(&self, name: &str) -> io::Result<Option<Stat>> {
        match statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(error) if error == rustix::io::Errno::NOENT => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or_default()
}

/// Notes that a file is of use. On a file system that keeps no such time, the oldest file goes first.
pub(super) fn used_now(file: &File) {
    let at = |nanoseconds| Timespec { tv_sec: 0, tv_nsec: nanoseconds };
    let times = Timestamps { last_access: at(UTIME_OMIT), last_modification: at(UTIME_NOW) };
    futimens(file, &times).unwrap_or_default();
}
