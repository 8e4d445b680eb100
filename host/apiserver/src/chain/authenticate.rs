//! Who asks: a client certificate that this server issued, a bearer token, or nobody.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::HeaderMap;
use sha2::{Digest, Sha256};

use super::exchange::header;

/// The group of every user who has proved to be one.
const AUTHENTICATED: &str = "system:authenticated";
/// The group of those who have not.
const UNAUTHENTICATED: &str = "system:unauthenticated";
/// Members may do everything.
pub const MASTERS: &str = "system:masters";

/// A user as authorization and audit see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Name.
    pub name: String,
    /// Unique id, may be empty.
    pub uid: String,
    /// Groups.
    pub groups: Vec<String>,
}

impl User {
    /// A user who has proved to be one.
    pub fn new(name: &str, groups: &[&str]) -> Self {
        let groups = groups.iter().copied().chain([AUTHENTICATED]).map(str::to_owned).collect();
        Self { name: name.to_owned(), uid: String::new(), groups }
    }

    /// The administrator: what in-process callers are, and holders of the admin certificate.
    pub fn admin() -> Self {
        Self::new("kubernetes-admin", &[MASTERS])
    }

    /// Nobody in particular.
    pub fn anonymous() -> Self {
        Self {
            name: "system:anonymous".to_owned(),
            uid: String::new(),
            groups: vec![UNAUTHENTICATED.to_owned()],
        }
    }

    /// Whether the user is in a group.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|held| held == group)
    }
}

/// What a connection proves by itself: attached to requests as an extension.
#[derive(Debug, Clone)]
pub enum Identity {
    /// The request never left the process; whoever holds the service is the administrator.
    InProcess,
    /// The client showed this certificate (DER), and our CA signed it.
    Certificate(Vec<u8>),
    /// Nothing.
    Nothing,
}

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadCredentials;

/// Known certificates and tokens.
#[derive(Debug, Default)]
pub struct Authenticator {
    tokens: HashMap<[u8; 32], User>,
    issued: IssuedTokens,
    certificates: HashMap<[u8; 32], User>,
}

/// Why a token file cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: a token file has lines of at least token,user name,user uid")]
pub struct TokenFileError {
    /// Number of the line, from 1.
    pub line: usize,
}

impl Authenticator {
    /// Lets a token stand for a user. Tokens are kept as digests, so looking one up takes the same time however
    /// much of it is right.
    pub fn add_token(&mut self, token: &str, user: User) {
        self.tokens.insert(digest(token.as_bytes()), user);
    }

    /// Lets a certificate stand for a user.
    pub fn add_certificate(&mut self, der: &[u8], user: User) {
        self.certificates.insert(digest(der), user);
    }

    /// Reads lines of `token,user,uid[,"group1,group2"]`, as kube-apiserver's `--token-auth-file` has them.
    pub fn add_token_file(&mut self, text: &str) -> Result<(), TokenFileError> {
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let mut parts = line.splitn(4, ',').map(str::trim);
            let (Some(token), Some(name), Some(uid)) = (parts.next(), parts.next(), parts.next()) else {
                return Err(TokenFileError { line: index + 1 });
            };
            if token.is_empty() || name.is_empty() {
                return Err(TokenFileError { line: index + 1 });
            }
            let groups = parts.next().unwrap_or_default().trim_matches('"');
            let groups: Vec<&str> =
                groups.split(',').map(str::trim).filter(|group| !group.is_empty()).collect();
            let user = User { uid: uid.to_owned(), ..User::new(name, &groups) };
            self.add_token(token, user);
        }
        Ok(())
    }

    pub(super) fn authenticate(
        &self,
        identity: &Identity,
        headers: &HeaderMap,
    ) -> Result<User, BadCredentials> {
        let authorization = header(headers, "authorization");
        if let Some((scheme, token)) = authorization.split_once(' ')
            && scheme.eq_ignore_ascii_case("bearer")
        {
            return self.user_of_token(token.trim()).ok_or(BadCredentials);
        }
        match identity {
            Identity::InProcess => Ok(User::admin()),
            Identity::Certificate(der) => self.certificates.get(&digest(der)).cloned().ok_or(BadCredentials),
            Identity::Nothing => Ok(User::anonymous()),
        }
    }

    fn user_of_token(&self, token: &str) -> Option<User> {
        let digest = digest(token.as_bytes());
        self.tokens.get(&digest).cloned().or_else(|| self.issued.user(&digest))
    }

    /// The tokens that service accounts have been given.
    pub(crate) fn issued(&self) -> &IssuedTokens {
        &self.issued
    }
}

/// Whom a token stands for, and until when since 1970.
type Issued = (User, Duration);

/// Tokens given to service accounts while the server runs; cheap to clone. They end with the server.
#[derive(Debug, Clone, Default)]
pub(crate) struct IssuedTokens {
    held: Arc<Mutex<HashMap<[u8; 32], Issued>>>,
}

impl IssuedTokens {
    /// A new token for a user, good until a moment since 1970.
    pub(crate) fn issue(&self, user: User, until: Duration) -> String {
        let token =
            [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()].map(|part| part.simple().to_string()).concat();
        let mut held = self.held.lock().expect(LOCK);
        let now = crate::clock::since_epoch();
        held.retain(|_, (_, until)| *until > now);
        held.insert(digest(token.as_bytes()), (user, until));
        token
    }

    /// The user that a token stands for, in a TokenReview.
    pub(crate) fn review(&self, token: &str) -> Option<User> {
        self.user(&digest(token.as_bytes()))
    }

    fn user(&self, digest: &[u8; 32]) -> Option<User> {
        let held = self.held.lock().expect(LOCK);
        let (user, until) = held.get(digest)?;
        (*until > crate::clock::since_epoch()).then(|| user.clone())
    }
}

const LOCK: &str = "no code panics while it holds the tokens";

/// The user that the headers `Impersonate-*` ask to be, if they do.
pub(super) fn impersonated(headers: &HeaderMap) -> Option<User> {
    let name = header(headers, "impersonate-user");
    if name.is_empty() {
        return None;
    }
    let asked = headers.get_all("impersonate-group").iter().filter_map(|value| value.to_str().ok());
    let mut groups: Vec<&str> = asked.collect();
    let account: Vec<&str> = name.split(':').collect();
    let of_namespace;
    if let (["system", "serviceaccount", namespace, _], true) = (&account[..], groups.is_empty()) {
        of_namespace = format!("system:serviceaccounts:{namespace}");
        groups.extend(["system:serviceaccounts", &of_namespace]);
    }
    Some(User { uid: header(headers, "impersonate-uid").to_owned(), ..User::new(name, &groups) })
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    #[test]
    fn token_files_are_read_as_kube_apiserver_reads_them() {
        let mut authenticator = Authenticator::default();
        authenticator.add_token_file("t1,admin,1,\"system:masters,dev\"\n\nt2,alice,2\n").unwrap();
        let with = |token: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
            authenticator.authenticate(&Identity::Nothing, &headers)
        };
        let admin = with("t1").unwrap();
        assert_eq!(
            (&*admin.name, &*admin.uid, admin.is_in(MASTERS), admin.is_in("dev")),
            ("admin", "1", true, true)
        );
        assert!(!with("t2").unwrap().is_in(MASTERS));
        assert_eq!(with("t3"), Err(BadCredentials));
        assert_eq!(authenticator.add_token_file("t1,admin").unwrap_err().line, 1);
    }

    #[test]
    fn without_credentials_one_is_anonymous_unless_in_process() {
        let authenticator = Authenticator::default();
        let none = HeaderMap::new();
        assert_eq!(authenticator.authenticate(&Identity::Nothing, &none), Ok(User::anonymous()));
        assert!(authenticator.authenticate(&Identity::InProcess, &none).unwrap().is_in(MASTERS));
        assert!(authenticator.authenticate(&Identity::Certificate(vec![1]), &none).is_err());
    }
}
