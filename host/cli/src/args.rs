//! What the user typed. Only the command line's own rules are checked here; what the values mean is checked where they are used.

use crate::examples;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{net::IpAddr, path::PathBuf, time::Duration};
use windlass_runtime::{
    ModuleBound,
    compile::CompileBounds,
    limits::{Bound, DEFAULT_FLAG, MAXIMUM_FLAG},
};

/// Runs Kubernetes controllers as WebAssembly components in one process.
#[derive(Debug, Parser)]
#[command(name = "windlass", version, about, long_about = LONG_ABOUT, max_term_width = 110)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const LONG_ABOUT: &str = "Runs Kubernetes controllers as WebAssembly components in one process.\n\n\
A controller is a .wasm file. Put it into a folder and it runs, replace it and it is reloaded with no lost event, \
take it out and it is gone. It reaches the cluster only as far as the grant in its manifest.\n\n\
Start here:\n  windlass dev sample-modules/website      a cluster, the module and a live log, at once\n  \
windlass run --modules DIR               the same modules against a real cluster";

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Develop a module: an API server of its own, build, run, rebuild on save
    #[command(after_help = examples::DEV)]
    Dev(Dev),
    /// Run the modules of a folder against a cluster
    #[command(after_help = examples::RUN)]
    Run(Run),
    /// Run the embedded API server alone
    #[command(after_help = examples::server())]
    Server(Server),
    /// Build a module's folder into a component
    #[command(after_help = examples::BUILD)]
    Build(Build),
    /// Show what a module is and what it asks for
    #[command(after_help = examples::INSPECT)]
    Inspect(Inspect),
    /// Print the manifest that would grant a module all it asks for
    #[command(after_help = examples::GRANT)]
    Grant(Grant),
    /// Show the modules of a running host
    #[command(after_help = examples::STATUS)]
    Status(Status),
    /// Read a module's files again, rejected ones too (all modules without a name)
    #[command(after_help = examples::RELOAD)]
    Reload(OfModules),
    /// Stop running a module; its changes are kept for later
    #[command(after_help = examples::PAUSE)]
    Pause(OfModule),
    /// Run a paused module again
    #[command(after_help = examples::RESUME)]
    Resume(OfModule),
    /// Go back to the version that served before; what serves now is not loaded again until `windlass reload MODULE`
    #[command(after_help = examples::ROLLBACK)]
    Rollback(OfModule),
    /// Reconcile an object now, or all of a module's objects
    #[command(after_help = examples::RECONCILE)]
    Reconcile(Reconcile),
    /// Compile a module as another `windlass` orders it over the standard input
    #[command(name = COMPILE, hide = true)]
    Compile,
}

/// What hosts start to compile a module; nobody types it.
pub(crate) const COMPILE: &str = "compile-module";

/// `windlass dev`.
#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// The module's folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub(crate) module: PathBuf,
    /// Keep the cluster's objects in this folder; without it they are gone at the end
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Port of the API server (0: any free one)
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(crate) secure_port: u16,
    /// Do not apply the folder's examples/*.yaml
    #[arg(long)]
    pub(crate) no_examples: bool,
    /// Controllers that run beside the API server, by kube-controller-manager's names; `*` is all
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "*")]
    pub(crate) controllers: Vec<String>,
    /// Where to write the kubeconfig (a temporary file without it)
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
}

/// `windlass run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The folder of modules: each NAME.wasm is one, NAME.yaml beside it its manifest
    #[arg(long, value_name = "DIR")]
    pub(crate) modules: PathBuf,
    /// The cluster to work on (else $KUBECONFIG, ~/.kube/config, or the cluster this runs in)
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// A context of the kubeconfig other than its current one
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
    #[command(flatten)]
    pub(crate) state: StateDir,
    /// Namespace of the Lease by which only one host of a cluster runs modules
    #[arg(long, value_name = "NAMESPACE", default_value = "kube-system")]
    pub(crate) lease_namespace: String,
    /// Name of that Lease; hosts with other names run side by side
    #[arg(long, value_name = "NAME", default_value = "windlass")]
    pub(crate) lease_name: String,
    /// Address of /metrics, /healthz and /readyz (port 0: any free one)
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9808")]
    pub(crate) metrics_address: std::net::SocketAddr,
    /// How log lines are written: for people, or one JSON object a line
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
    /// Runs at a time over all modules (without it: eight for each processor)
    #[arg(long, value_name = "N")]
    pub(crate) slots: Option<std::num::NonZeroUsize>,
    /// What a manifest's spec.limits may ask for at most (docs/limits.md lists them all)
    #[arg(long = MAXIMUM_FLAG, value_name = "NAME=VALUE", value_delimiter = ',', value_parser = Bound::parse_setting)]
    pub(crate) limit_max: Vec<(Bound, u64)>,
    /// What holds where a manifest's spec.limits says nothing
    #[arg(long = DEFAULT_FLAG, value_name = "NAME=VALUE", value_delimiter = ',', value_parser = Bound::parse_setting)]
    pub(crate) limit_default: Vec<(Bound, u64)>,
    /// A module that has not run for so many seconds gives its memory back until it has something to do
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) sleep_after: u32,
    #[command(flatten)]
    pub(crate) compile: Compile,
}

/// What compiling one module may use.
#[derive(Debug, Args)]
pub(crate) struct Compile {
    /// A module that is not compiled in so many seconds is refused
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..))]
    compile_time: u32,
    /// A module that is not compiled in so many seconds of processor time is refused
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..))]
    compile_cpu: u32,
    /// A module that needs more MiB of memory to be compiled is refused
    #[arg(long, value_name = "MIB", default_value_t = 2048, value_parser = clap::value_parser!(u32).range(1..))]
    compile_memory: u32,
    /// A module that holds more than N of something is refused, as `functions=300000`; may be repeated
    #[arg(long, value_name = "NAME=N")]
    pub(crate) module_bound: Vec<ModuleBound>,
}

impl Compile {
    /// The bounds that were typed.
    pub(crate) fn bounds(&self) -> CompileBounds {
        CompileBounds {
            wall_max: Duration::from_secs(self.compile_time.into()),
            cpu_max: Duration::from_secs(self.compile_cpu.into()),
            memory_bytes_max: u64::from(self.compile_memory) << 20,
            ..CompileBounds::default()
        }
    }
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    // Without comments for clap: they would make every option of the page a paragraph.
    Text,
    Json,
}

/// `windlass server`. Names are kube-apiserver's where the meaning is the same.
#[derive(Debug, Args)]
pub(crate) struct Server {
    /// Keep objects in this folder, safe against kill -9; without it they live in memory
    #[arg(long, value_name = "DIR", conflicts_with = "ephemeral")]
    pub(crate) data: Option<PathBuf>,
    /// Address to serve on
    #[arg(long, value_name = "IP", default_value = "127.0.0.1")]
    pub(crate) bind_address: IpAddr,
    /// Port to serve HTTPS on (0: any free one)
    #[arg(long, value_name = "PORT", default_value_t = 6443, conflicts_with = "ephemeral")]
    pub(crate) secure_port: u16,
    /// Users by bearer token: lines of `token,user,uid,"group1,group2"`
    #[arg(long, value_name = "FILE")]
    pub(crate) token_auth_file: Option<PathBuf>,
    /// Write each request as a line of JSON to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) audit_log_path: Option<PathBuf>,
    /// Controllers to run, by kube-controller-manager's names; `*` is all (none by default)
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) controllers: Vec<String>,
    /// In memory, on a free port, with all controllers; prints the kubeconfig's path as the first line
    #[arg(long)]
    pub(crate) ephemeral: bool,
    /// Where to write the administrator's kubeconfig (without it: in --data, or a temporary file)
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
}

/// `windlass build`.
#[derive(Debug, Args)]
pub(crate) struct Build {
    /// The module's folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub(crate) module: PathBuf,
    /// Where to write the component (without it: NAME.wasm in the folder's target directory)
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// `windlass inspect`.
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The module's file
    #[arg(value_name = "FILE.wasm")]
    pub(crate) file: PathBuf,
    /// As JSON, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

/// `windlass grant`.
#[derive(Debug, Args)]
pub(crate) struct Grant {
    /// The module's file; its stem is the module's name
    #[arg(value_name = "NAME.wasm")]
    pub(crate) file: PathBuf,
    /// Namespaces that the rules hold in
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "*")]
    pub(crate) namespaces: Vec<String>,
    /// Print the manifest beside the module with this rule put in, as a refusal names it; may be repeated
    #[arg(long, value_name = "RULE", conflicts_with = "namespaces")]
    pub(crate) add: Vec<String>,
}

/// Where a host keeps its state.
#[derive(Debug, Args)]
pub(crate) struct StateDir {
    /// The host's state directory: key, compiled code, control socket
    #[arg(
        long,
        value_name = "DIR",
        env = "WINDLASS_STATE",
        hide_env_values = true,
        default_value = ".windlass"
    )]
    pub(crate) state: PathBuf,
}

/// `windlass status`.
#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) state: StateDir,
    /// As JSON, for programs
    #[arg(long)]
    pub(crate) json: bool,
}

/// A command about one module.
#[derive(Debug, Args)]
pub(crate) struct OfModule {
    /// The module
    #[arg(value_name = "NAME")]
    pub(crate) module: String,
    #[command(flatten)]
    pub(crate) state: StateDir,
}

/// A command about one module or all.
#[derive(Debug, Args)]
pub(crate) struct OfModules {
    /// The module (without it: all)
    #[arg(value_name = "NAME")]
    pub(crate) module: Option<String>,
    #[command(flatten)]
    pub(crate) state: StateDir,
}

/// `windlass reconcile`.
#[derive(Debug, Args)]
pub(crate) struct Reconcile {
    /// The module
    #[arg(value_name = "NAME")]
    pub(crate) module: String,
    /// The object; without it all of the module's objects
    #[arg(value_name = "NAMESPACE/NAME")]
    pub(crate) object: Option<String>,
    #[command(flatten)]
    pub(crate) state: StateDir,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn every_flag_has_a_meaning_and_none_clashes() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn an_unknown_flag_is_an_error_that_names_the_nearest() {
        let error = Arguments::try_parse_from(["windlass", "server", "--secure-prot", "1"])
            .map(|_| ())
            .map_err(|e| e.to_string());
        assert!(error.is_err_and(|text| text.contains("--secure-port")));
    }
}
