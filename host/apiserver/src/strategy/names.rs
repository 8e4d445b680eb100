//! What names may look like, with the messages of the real server.

/// The form of a kind's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameRule {
    /// RFC 1123 subdomain; nearly every kind.
    Subdomain,
    /// RFC 1123 label; namespaces.
    Label,
    /// RFC 1035 label; services.
    Label1035,
    /// Anything that can stand in a path; RBAC.
    PathSegment,
}

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

impl NameRule {
    /// What is wrong with the name, in the words of the real server; empty if nothing is.
    pub fn faults(self, name: &str) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |length_max: usize, fits: bool, message: &str| {
            if name.len() > length_max {
                faults.push(format!("must be no more than {length_max} characters"));
            }
            if !fits {
                faults.push(message.to_owned());
            }
        };
        match self {
            Self::Subdomain => check(253, name.split('.').all(is_label), SUBDOMAIN),
            // What would do as a subdomain only has dots too many.
            Self::Label if name.split('.').all(is_label) => {
                check(63, is_label(name), "must not contain dots")
            }
            Self::Label => check(63, is_label(name), LABEL),
            Self::Label1035 => {
                check(63, is_label(name) && name.starts_with(|c: char| c.is_ascii_lowercase()), LABEL_1035);
            }
            Self::PathSegment => return path_segment_faults(name),
        }
        faults
    }
}

fn path_segment_faults(name: &str) -> Vec<String> {
    if matches!(name, "." | "..") {
        return vec![format!("may not be '{name}'")];
    }
    let held = ["/", "%"].into_iter().filter(|sign| name.contains(sign));
    held.map(|sign| format!("may not contain '{sign}'")).collect()
}

fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.first().copied().is_some_and(inner)
        && bytes.last().copied().is_some_and(inner)
        && bytes.iter().all(|byte| inner(*byte) || *byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_takes_what_it_should() {
        for (rule, good, bad) in [
            (NameRule::Subdomain, "a.b-c.0", "a..b"),
            (NameRule::Subdomain, "0", "A_b"),
            (NameRule::Label, "1-a", "a.b"),
            (NameRule::Label1035, "a1", "1a"),
            (NameRule::PathSegment, "system:node", "a/b"),
            (NameRule::PathSegment, "A", ".."),
        ] {
            assert!(rule.faults(good).is_empty(), "{rule:?} {good}");
            assert!(!rule.faults(bad).is_empty(), "{rule:?} {bad}");
        }
        assert_eq!(NameRule::Label.faults(&"a".repeat(64)), ["must be no more than 63 characters"]);
    }
}
