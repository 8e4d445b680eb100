//! Runs cargo with what a module needs and finds what it made.

use std::{
    env,
    io::{BufRead as _, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use serde::Deserialize;

use super::{BuildError, BuildRequest, Profile, toolchain::TARGET};

/// The core module that cargo made.
pub(super) struct Artifact {
    pub(super) path: PathBuf,
    pub(super) package: String,
}

impl Artifact {
    /// `T` of `T/wasm32-wasip1/release/name.wasm`.
    pub(super) fn target_dir(&self) -> &Path {
        self.path.ancestors().nth(3).unwrap_or(Path::new("."))
    }
}

/// A line of cargo's messages, as far as it matters here.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    target: Target,
    #[serde(default)]
    filenames: Vec<PathBuf>,
    #[serde(default)]
    package_id: String,
}

#[derive(Default, Deserialize)]
struct Target {
    #[serde(default)]
    kind: Vec<String>,
}

/// Compiles the package of the folder.
pub(super) fn run(request: &BuildRequest, say: &mut dyn FnMut(&str)) -> Result<Artifact, BuildError> {
    let mut child =
        command(request).spawn().map_err(|source| BuildError::NoCompiler { program: "cargo", source })?;
    let (Some(messages), Some(diagnostics)) = (child.stdout.take(), child.stderr.take()) else {
        unreachable!("both were asked for as pipes")
    };
    let manifest = request.dir.join("Cargo.toml");
    // Two pipes are read at once: the one that nobody reads would fill up and stop the compiler.
    let artifact = thread::scope(|scope| {
        let reader = scope.spawn(|| find_artifact(messages, &manifest));
        for line in BufReader::new(diagnostics).lines().map_while(Result::ok) {
            say(&line);
        }
        reader.join().unwrap_or_default()
    });
    let status = child.wait().map_err(|source| BuildError::NoCompiler { program: "cargo", source })?;
    if !status.success() {
        let name = request.dir.file_name().unwrap_or(request.dir.as_os_str());
        return Err(BuildError::Compile { name: name.to_string_lossy().into_owned() });
    }
    artifact.ok_or(BuildError::NoLibrary(manifest))
}

fn command(request: &BuildRequest) -> Command {
    let mut command = Command::new("cargo");
    command
        .current_dir(&request.dir)
        .args(["build", "--lib", "--target", TARGET, "--message-format=json-render-diagnostics"])
        .args(["--color", if request.color { "always" } else { "never" }])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(target_dir) = &request.target_dir {
        command.arg("--target-dir").arg(target_dir);
    }
    let (profile, settings) = profile_settings(request.profile);
    command.args(["--profile", profile]);
    for (key, value) in settings {
        command.env(format!("CARGO_PROFILE_{}_{key}", profile.to_uppercase()), value);
    }
    // Flags meant for programs of the machine would take the place of these.
    command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    command
        .env("CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS", rust_flags())
        .env("CARGO_TERM_PROGRESS_WHEN", "never");
    command
}

/// A stack of 64 KiB keeps a module's memory at two pages, which the host can clear by a memset between runs.
/// Paths of the machine's registry would make the bytes differ from machine to machine.
fn rust_flags() -> String {
    let mut flags = "-Clink-arg=-zstack-size=65536".to_owned();
    if let Some(home) = cargo_home() {
        let home = home.display().to_string();
        // Flags are split at spaces; a home with one keeps its paths.
        if !home.contains(' ') {
            flags.push_str(&format!(" --remap-path-prefix={home}=cargo"));
        }
    }
    flags
}

fn cargo_home() -> Option<PathBuf> {
    env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".cargo")))
}

fn profile_settings(profile: Profile) -> (&'static str, &'static [(&'static str, &'static str)]) {
    match profile {
        Profile::Release => (
            "release",
            &[
                ("OPT_LEVEL", "s"),
                ("LTO", "true"),
                ("CODEGEN_UNITS", "1"),
                ("PANIC", "abort"),
                ("DEBUG", "0"),
                ("STRIP", "debuginfo"), // names stay, so that a trap can say where
                ("INCREMENTAL", "false"),
                ("OVERFLOW_CHECKS", "false"),
                ("DEBUG_ASSERTIONS", "false"),
            ],
        ),
        Profile::Dev => (
            "dev",
            &[
                ("OPT_LEVEL", "1"), // 0 needs a larger stack and makes a module three times as large
                ("LTO", "off"),
                ("CODEGEN_UNITS", "16"),
                ("PANIC", "abort"),
                ("DEBUG", "0"),
                ("STRIP", "debuginfo"),
                ("INCREMENTAL", "true"),
            ],
        ),
    }
}

/// The `cdylib` of the package with this manifest, from cargo's messages.
fn find_artifact(messages: impl Read, manifest: &Path) -> Option<Artifact> {
    let manifest = manifest.canonicalize().ok()?;
    let mut found = None;
    // Reads to the end, also when it is found: cargo must not meet a closed pipe.
    for line in BufReader::new(messages).lines().map_while(Result::ok) {
        let Ok(message) = serde_json::from_str::<Message>(&line) else { continue };
        let ours = message.reason == "compiler-artifact"
            && message.target.kind.iter().any(|kind| kind == "cdylib")
            && message.manifest_path.canonicalize().is_ok_and(|path| path == manifest);
        if ours {
            let is_wasm = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "wasm");
            let path = message.filenames.into_iter().find(is_wasm);
            found = path.map(|path| Artifact { package: package_name(&message.package_id), path }).or(found);
        }
    }
    found
}

/// `hello` of `path+file:///modules/hello#0.1.0` and of `path+file:///modules/dir#hello@0.1.0`.
fn package_name(id: &str) -> String {
    let (place, version) = id.rsplit_once('#').unwrap_or((id, ""));
    let name = match version.split_once('@') {
        Some((name, _)) => name,
        None => place.rsplit('/').next().unwrap_or(place),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_is_named_by_its_id() {
        assert_eq!(package_name("path+file:///modules/hello#0.1.0"), "hello");
        assert_eq!(package_name("path+file:///modules/dir#hello@0.1.0"), "hello");
    }
}
