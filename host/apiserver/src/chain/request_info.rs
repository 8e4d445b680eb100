//! What a request is about, read from its method and path as kube-apiserver reads them.

use http::Method;

/// The parts of a path that matter for routing, authorization and audit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestInfo {
    /// Whether the path names a resource (or a group version with something after it).
    pub is_resource: bool,
    /// `get`, `list`, `watch`, `create`… for resources; the method in lower case otherwise.
    pub verb: &'static str,
    /// API group, empty for the core group.
    pub group: String,
    /// Version of the group.
    pub version: String,
    /// Namespace, empty if none is named.
    pub namespace: String,
    /// Plural of the resource.
    pub resource: String,
    /// Subresource, if any.
    pub subresource: String,
    /// Name, if any.
    pub name: String,
    /// Path segments after the subresource: there are none on paths that exist.
    pub rest: usize,
}

impl RequestInfo {
    /// Reads method and path; `watch` says whether the query asks for a watch and `by_name` holds the name that a
    /// field selector fixes, if it does.
    pub fn parse(method: &Method, path: &str, watch: bool, by_name: Option<&str>) -> Self {
        let mut info = Self { verb: method_verb(method), ..Self::default() };
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let rest = match &parts[..] {
            ["api", version, rest @ ..] => {
                info.version = decoded(version);
                rest
            }
            ["apis", group, version, rest @ ..] => {
                (info.group, info.version) = (decoded(group), decoded(version));
                rest
            }
            _ => return info,
        };
        if rest.is_empty() {
            return info;
        }
        info.is_resource = true;
        info.verb = resource_verb(method);
        let rest = match rest {
            ["watch", rest @ ..] if !rest.is_empty() => {
                info.verb = "watch";
                rest
            }
            rest => rest,
        };
        info.resource_parts(rest);
        if info.verb == "get" && info.name.is_empty() {
            info.verb = if watch { "watch" } else { "list" };
            info.name = by_name.unwrap_or_default().to_owned();
        } else if info.verb == "delete" && info.name.is_empty() {
            info.verb = "deletecollection";
        }
        info
    }

    /// `namespaces/NS/RESOURCE/…`, `namespaces/NS[/status|/finalize]` or `RESOURCE/…`.
    fn resource_parts(&mut self, rest: &[&str]) {
        let rest = match rest {
            ["namespaces", namespace] => {
                self.namespace = decoded(namespace);
                rest
            }
            ["namespaces", namespace, "status" | "finalize", ..] => {
                self.namespace = decoded(namespace);
                rest
            }
            ["namespaces", namespace, rest @ ..] => {
                self.namespace = decoded(namespace);
                rest
            }
            rest => rest,
        };
        let mut parts = rest.iter().map(|part| decoded(part));
        self.resource = parts.next().unwrap_or_default();
        self.name = parts.next().unwrap_or_default();
        self.subresource = parts.next().unwrap_or_default();
        self.rest = parts.count();
    }
}

fn method_verb(method: &Method) -> &'static str {
    match *method {
        Method::GET => "get",
        Method::HEAD => "head",
        Method::POST => "post",
        Method::PUT => "put",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        _ => "options",
    }
}

fn resource_verb(method: &Method) -> &'static str {
    match *method {
        Method::GET => "get",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        _ => "",
    }
}

/// Percent-decoding of one path segment; broken escapes stay as they are.
fn decoded(part: &str) -> String {
    percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: Method, path: &str, expected: [&str; 6]) {
        let info = RequestInfo::parse(&method, path, false, None);
        let found: [&str; 6] =
            [info.verb, &info.group, &info.namespace, &info.resource, &info.name, &info.subresource];
        assert_eq!(found, expected, "{method} {path}");
    }

    #[test]
    fn paths_are_read_as_the_real_server_reads_them() {
        check(Method::GET, "/api/v1/pods", ["list", "", "", "pods", "", ""]);
        check(Method::GET, "/api/v1/namespaces", ["list", "", "", "namespaces", "", ""]);
        check(Method::GET, "/api/v1/namespaces/a", ["get", "", "a", "namespaces", "a", ""]);
        check(
            Method::PUT,
            "/api/v1/namespaces/a/finalize",
            ["update", "", "a", "namespaces", "a", "finalize"],
        );
        check(Method::DELETE, "/api/v1/namespaces/a/pods", ["deletecollection", "", "a", "pods", "", ""]);
        check(Method::POST, "/api/v1/namespaces/a/pods", ["create", "", "a", "pods", "", ""]);
        check(
            Method::PATCH,
            "/apis/apps/v1/namespaces/a/deployments/d/scale",
            ["patch", "apps", "a", "deployments", "d", "scale"],
        );
        check(Method::GET, "/api/v1/watch/namespaces/a/pods/p", ["watch", "", "a", "pods", "p", ""]);
        check(
            Method::GET,
            "/api/v1/namespaces/a/configmaps/b%2Dc",
            ["get", "", "a", "configmaps", "b-c", ""],
        );
    }

    #[test]
    fn paths_without_a_resource_keep_the_method() {
        for path in ["/", "/api", "/apis", "/apis/apps", "/apis/apps/v1", "/version"] {
            let info = RequestInfo::parse(&Method::POST, path, false, None);
            assert_eq!((info.is_resource, info.verb), (false, "post"), "{path}");
        }
    }
}
