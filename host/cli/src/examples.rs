//! What `windlass COMMAND --help` ends with: the command as it is typed most often.

pub(crate) const DEV: &str = "\
Examples:
  windlass dev sample-modules/website
  windlass dev --data cluster --secure-port 6443    the same cluster again the next time";

pub(crate) const RUN: &str = "\
Examples:
  windlass run --modules modules                    on the cluster that kubectl talks to
  windlass run --modules modules --kubeconfig prod.yaml --context admin
  windlass run --modules modules --limit-max memory=512Mi,deadline=1h --limit-default memory=32Mi

The log's filter is $WINDLASS_LOG, such as `debug` or `info,windlass=debug`.";

const SERVER: &str = "\
Examples:
  windlass server --data cluster --controllers '*'  keeps its objects; Deployments make Pods
  windlass server --ephemeral                       for tests: in memory, on a free port";

/// With the controllers' names: nobody knows them by heart.
pub(crate) fn server() -> String {
    format!("{SERVER}\n\nControllers:\n  {}", windlass_apiserver::controllers::names().join("\n  "))
}

pub(crate) const BUILD: &str = "\
Examples:
  windlass build sample-modules/hello
  windlass build sample-modules/hello -o modules/hello.wasm";

pub(crate) const INSPECT: &str = "\
Examples:
  windlass inspect modules/hello.wasm
  windlass inspect --json modules/hello.wasm | jq .permissions";

pub(crate) const GRANT: &str = "\
Examples:
  windlass grant modules/hello.wasm > modules/hello.yaml     read it before you keep it
  windlass grant --namespaces shop,blog modules/hello.wasm
  windlass grant modules/hello.wasm --add '{apiGroups: [\"\"], resources: [pods], verbs: [list], namespaces: [shop]}'";

pub(crate) const STATUS: &str = "\
Examples:
  windlass status
  windlass status --json | jq '.modules[] | select(.state != \"serving\")'";

pub(crate) const RELOAD: &str = "\
Examples:
  windlass reload            all modules
  windlass reload website";

pub(crate) const PAUSE: &str = "\
Examples:
  windlass pause website     until `windlass resume website` or a new manifest";

pub(crate) const RESUME: &str = "\
Examples:
  windlass resume website";

pub(crate) const ROLLBACK: &str = "\
Examples:
  windlass rollback website  and fix the file before `windlass reload website`";

pub(crate) const RECONCILE: &str = "\
Examples:
  windlass reconcile website default/shop
  windlass reconcile website";
