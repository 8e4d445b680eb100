//! Finds the configuration: the file asked for, KUBECONFIG, `~/.kube/config`, the pod's service account.

use super::{ConnectError, ConnectOptions};
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use std::{env, path::PathBuf};

/// Where a configuration came from, for messages.
pub(super) type Origin = String;

pub(super) async fn load(options: &ConnectOptions) -> Result<(Config, Origin), ConnectError> {
    let (kubeconfig, origin) = match find(options) {
        Source::File(path) => {
            let origin = format!("kubeconfig {}", path.display());
            (Kubeconfig::read_from(&path), origin)
        }
        Source::Environment(paths) => {
            let origin = format!("kubeconfig {paths} (from the environment variable KUBECONFIG)");
            (Kubeconfig::from_env().map(Option::unwrap_or_default), origin)
        }
        Source::Pod => {
            let origin = "the pod's service account".to_owned();
            let config = Config::incluster().map_err(|source| ConnectError::InCluster { source })?;
            return Ok((config, origin));
        }
        Source::Nowhere => return Err(ConnectError::Nowhere),
    };
    let kubeconfig = kubeconfig.map_err(|source| ConnectError::configuration(&origin, options, source))?;
    let known = kubeconfig.contexts.iter().map(|context| context.name.clone()).collect::<Vec<_>>();
    let choice = KubeConfigOptions { context: options.context.clone(), ..KubeConfigOptions::default() };
    match Config::from_custom_kubeconfig(kubeconfig, &choice).await {
        Ok(config) => Ok((config, origin)),
        Err(source) => Err(ConnectError::context(&origin, &known, source)),
    }
}

enum Source {
    File(PathBuf),
    Environment(String),
    Pod,
    Nowhere,
}

fn find(options: &ConnectOptions) -> Source {
    if let Some(path) = &options.kubeconfig {
        return Source::File(path.clone());
    }
    if let Some(paths) = env::var_os("KUBECONFIG").filter(|paths| !paths.is_empty()) {
        return Source::Environment(paths.to_string_lossy().into_owned());
    }
    let home = env::home_dir().map(|home| home.join(".kube").join("config"));
    if let Some(path) = home.filter(|path| path.exists()) {
        return Source::File(path);
    }
    if env::var_os("KUBERNETES_SERVICE_HOST").is_some() { Source::Pod } else { Source::Nowhere }
}
