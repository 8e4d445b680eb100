//! kubectl, as a user calls it.

use crate::program::{Ended, eventually, finish};
use std::{
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

/// kubectl for one cluster. Its cache is its own: ports come again, and with them what is cached of another server.
pub(crate) struct Kubectl {
    kubeconfig: PathBuf,
    home: TempDir,
    path: String,
}

impl Kubectl {
    /// kubectl with this kubeconfig.
    pub(crate) fn new(kubeconfig: impl Into<PathBuf>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let bin = home.path().join("bin");
        fs::create_dir(&bin).unwrap();
        symlink(program(), bin.join("kubectl")).unwrap();
        let path = format!("{}:{}", bin.display(), env::var("PATH").unwrap());
        Self { kubeconfig: kubeconfig.into(), home, path }
    }

    /// A line as it is typed into a shell; what it prints on both streams.
    pub(crate) fn shell(&self, line: &str) -> Ended {
        let mut command = Command::new("sh");
        // Both streams in one, as a terminal shows them.
        command.args(["-c", &format!("exec 2>&1\n{line}")]).env("PATH", &self.path);
        finish(command.env("HOME", self.home.path()).env("KUBECONFIG", &self.kubeconfig))
    }

    /// A line that must succeed; what it prints, without the end of its last line.
    pub(crate) fn done(&self, line: &str) -> String {
        let ended = self.shell(line);
        assert!(ended.status.success(), "{line}\n{}", ended.out);
        ended.out.trim_end().to_owned()
    }

    /// Asks until the answer is this one.
    pub(crate) fn until(&self, line: &str, wanted: &str) {
        eventually(&format!("`{line}` says `{wanted}`"), || {
            let said = self.shell(line).out;
            if said.trim() == wanted { Ok(()) } else { Err(said) }
        });
    }
}

fn program() -> PathBuf {
    let named = env::var_os("KUBECTL").map(PathBuf::from);
    let on_path = || {
        let paths = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&paths).map(|dir| dir.join("kubectl")).find(|file| file.is_file())
    };
    let found = named.or_else(on_path).and_then(|file| Path::canonicalize(&file).ok());
    found.expect(
        "kubectl is needed: put it on PATH or name it by $KUBECTL; `.ci/kubectl DIR` builds one into DIR",
    )
}
