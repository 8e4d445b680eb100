//! Texts with a form: names, labels, ports, percentages, addresses. Each rule says what is wrong, in the real server's words.

use std::net::IpAddr;

use crate::strategy::NameRule;

pub(super) fn label(text: &str) -> Vec<String> {
    NameRule::Label.faults(text)
}

pub(super) fn subdomain(text: &str) -> Vec<String> {
    NameRule::Subdomain.faults(text)
}

pub(super) fn label_1035(text: &str) -> Vec<String> {
    NameRule::Label1035.faults(text)
}

pub(super) fn path_segment(text: &str) -> Vec<String> {
    NameRule::PathSegment.faults(text)
}

const PART: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

/// `name` or `prefix/name`: keys of labels and annotations, finalizers, resources.
pub(crate) fn qualified(text: &str) -> Vec<String> {
    let (prefix, name) = match text.split_once('/') {
        None => (None, text),
        Some((_, name)) if name.contains('/') => {
            return vec![format!(
                "a qualified name {PART} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            )];
        }
        Some((prefix, name)) => (Some(prefix), name),
    };
    let mut wrong = Vec::new();
    match prefix {
        Some("") => wrong.push("prefix part must be non-empty".to_owned()),
        Some(prefix) => wrong.extend(subdomain(prefix).into_iter().map(|why| {
            format!("prefix part {why}").replace("no more than 253 characters", "no more than 253 bytes")
        })),
        None => {}
    }
    if name.is_empty() {
        wrong.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        wrong.push("name part must be no more than 63 bytes".to_owned());
    }
    if !is_label_part(name) {
        wrong.push(format!("name part {PART}"));
    }
    wrong
}

const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

pub(crate) fn label_value(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.len() > 63 {
        wrong.push("must be no more than 63 bytes".to_owned());
    }
    if !text.is_empty() && !is_label_part(text) {
        wrong.push(LABEL_VALUE.to_owned());
    }
    wrong
}

fn is_label_part(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

pub(super) const PORT: &str = "must be between 1 and 65535, inclusive";

pub(super) fn is_port(number: i64) -> bool {
    (1..=65535).contains(&number)
}

pub(super) fn port_name(text: &str) -> Vec<String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let rules = [
        (text.len() > 15, "must be no more than 15 characters"),
        (
            text.is_empty() || !text.bytes().all(plain),
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
        ),
        (!text.bytes().any(|byte| byte.is_ascii_lowercase()), "must contain at least one letter (a-z)"),
        (text.contains("--"), "must not contain consecutive hyphens"),
        (text.starts_with('-') || text.ends_with('-'), "must not begin or end with a hyphen"),
    ];
    rules.into_iter().filter(|(broken, _)| *broken).map(|(_, why)| why.to_owned()).collect()
}

pub(super) fn percentage(text: &str) -> Option<String> {
    const WHY: &str = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
    let number = text.strip_suffix('%').filter(|digits| !digits.is_empty());
    let fits = number.is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()));
    (!fits).then(|| WHY.to_owned())
}

pub(super) fn wildcard_subdomain(text: &str) -> Vec<String> {
    const WHY: &str = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    let mut wrong = Vec::new();
    if text.len() > 253 {
        wrong.push("must be no more than 253 characters".to_owned());
    }
    if !text.strip_prefix("*.").is_some_and(|rest| subdomain(rest).is_empty()) {
        wrong.push(WHY.to_owned());
    }
    wrong
}

pub(super) fn variable(text: &str) -> Option<String> {
    let printed = |letter: char| (' '..='~').contains(&letter) && letter != '=';
    (!text.chars().all(printed)).then(|| {
        "a valid environment variable name must consist only of printable ASCII characters other than '='"
            .to_owned()
    })
}

pub(crate) fn config_key(key: &str) -> Vec<String> {
    const FORM: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let rules = [
        (key.len() > 253, "must be no more than 253 characters"),
        (key.is_empty() || !key.bytes().all(fits), FORM),
        (key == ".", "must not be '.'"),
        (key == "..", "must not be '..'"),
        (key.starts_with("..") && key != "..", "must not start with '..'"),
    ];
    rules.into_iter().filter(|(broken, _)| *broken).map(|(_, why)| why.to_owned()).collect()
}

pub(super) const ADDRESS: &str = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";

pub(super) fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok()
}

pub(super) const BLOCK: &str = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";

/// An address block: its first address as a number of `bits`, and how many of them are fixed.
pub(super) struct Block {
    first: u128,
    bits: u32,
    pub(super) fixed: u32,
}

pub(super) fn block(text: &str) -> Option<Block> {
    let (address, fixed) = text.split_once('/')?;
    let (number, bits) = match address.parse::<IpAddr>().ok()? {
        IpAddr::V4(four) => (u128::from(u32::from(four)), 32),
        IpAddr::V6(six) => (u128::from(six), 128),
    };
    let fixed = fixed.parse::<u32>().ok().filter(|fixed| *fixed <= bits)?;
    Some(Block { first: number & mask(bits, fixed), bits, fixed })
}

fn mask(bits: u32, fixed: u32) -> u128 {
    let all = if bits == 128 { u128::MAX } else { (1 << bits) - 1 };
    all & !all.checked_shr(fixed).unwrap_or_default()
}

impl Block {
    pub(super) fn holds(&self, other: &Self) -> bool {
        self.bits == other.bits && other.first & mask(self.bits, self.fixed) == self.first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_takes_what_it_should() {
        assert!(qualified("example.com/a_b").is_empty() && label_value("").is_empty());
        assert_eq!(qualified("/").len(), 3);
        assert_eq!(qualified("a/b/c").len(), 1);
        assert_eq!(qualified("A b/c").len(), 1);
        assert!(port_name("http-1").is_empty());
        assert_eq!(port_name("").len(), 2);
        assert_eq!(port_name("-1--2-").len(), 3);
        assert!(percentage("10%").is_none() && percentage("%").is_some() && percentage("1").is_some());
        assert!(wildcard_subdomain("*.a.b").is_empty() && !wildcard_subdomain("*a").is_empty());
        assert!(config_key("a.b").is_empty() && config_key("..a").len() == 1);
    }

    #[test]
    fn blocks_hold_their_parts() {
        let of = |text: &str| block(text).map(|held| (held.first, held.fixed));
        assert_eq!(of("10.1.2.3/8"), Some((10 << 24, 8)));
        assert!(of("10.0.0.0/33").is_none() && of("10.0.0.0").is_none() && of("x/8").is_none());
        let holds = |outer: &str, inner: &str| matches!((block(outer), block(inner)), (Some(outer), Some(inner)) if outer.holds(&inner));
        assert!(holds("10.0.0.0/8", "10.1.0.0/16") && !holds("10.0.0.0/8", "11.0.0.0/16"));
        assert!(holds("::/0", "fe80::/10") && !holds("::/0", "10.0.0.0/8"));
    }
}
