//! An authority of the server's own, with a certificate for the server and one for the administrator.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SanType,
};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;

use super::ListenError;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Names under which clients reach the server.
const SERVER_NAMES: [&str; 5] = [
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
];

/// The authority and the administrator's certificate, all in PEM.
#[derive(Clone)]
pub(super) struct Authority {
    ca: String,
    ca_key: String,
    admin: String,
    admin_key: String,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

/// Files of an authority in the data folder. The keys are for the owner only.
const FILES: [&str; 4] = ["ca.crt", "ca.key", "admin.crt", "admin.key"];

impl Authority {
    /// A new authority.
    pub(super) fn new() -> Result<Self, BoxError> {
        let ca_key = KeyPair::generate()?;
        let ca = ca_params().self_signed(&ca_key)?.pem();
        let issuer = Issuer::new(ca_params(), &ca_key);
        let admin_key = KeyPair::generate()?;
        let admin = admin_params().signed_by(&admin_key, &issuer)?.pem();
        Ok(Self { admin, admin_key: admin_key.serialize_pem(), ca_key: ca_key.serialize_pem(), ca })
    }

    /// The authority kept in a folder, made on first use, so that kubeconfigs stay good over restarts.
    pub(super) fn open(folder: &Path) -> Result<Self, BoxError> {
        let read = |name: &str| std::fs::read_to_string(folder.join(name));
        if folder.join(FILES[0]).exists() {
            let [ca, ca_key, admin, admin_key] = FILES.map(read);
            return Ok(Self { ca: ca?, ca_key: ca_key?, admin: admin?, admin_key: admin_key? });
        }
        std::fs::create_dir_all(folder)?;
        let new = Self::new()?;
        // The certificate of the authority comes last: it says that the others are whole.
        for (name, text) in FILES.iter().zip([&new.ca, &new.ca_key, &new.admin, &new.admin_key]).rev() {
            write_private(&folder.join(name), text)?;
        }
        Ok(new)
    }

    pub(super) fn ca_pem(&self) -> &str {
        &self.ca
    }

    pub(super) fn admin_pem(&self) -> (&str, &str) {
        (&self.admin, &self.admin_key)
    }

    pub(super) fn admin_der(&self) -> Result<Vec<u8>, BoxError> {
        Ok(CertificateDer::from_pem_slice(self.admin.as_bytes())?.to_vec())
    }

    /// TLS for a listener: a fresh certificate for its address, clients' certificates checked if they show one.
    pub(super) fn server_config(&self, address: IpAddr) -> Result<Arc<rustls::ServerConfig>, ListenError> {
        self.try_server_config(address).map_err(ListenError::Certificate)
    }

    fn try_server_config(&self, address: IpAddr) -> Result<Arc<rustls::ServerConfig>, BoxError> {
        let issuer = Issuer::new(ca_params(), KeyPair::from_pem(&self.ca_key)?);
        let key = KeyPair::generate()?;
        let certificate = server_params(address)?.signed_by(&key, &issuer)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.ca.as_bytes())?)?;
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .allow_unauthenticated()
            .build()?;
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes())?;
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(clients)
            .with_single_cert(vec![certificate.der().clone()], key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

fn ca_params() -> CertificateParams {
    let mut params = named("windlass-ca", &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages =
        vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::CrlSign];
    params
}

fn admin_params() -> CertificateParams {
    let mut params = named("kubernetes-admin", &[crate::chain::MASTERS]);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

fn server_params(address: IpAddr) -> Result<CertificateParams, BoxError> {
    let mut params = named("kube-apiserver", &[]);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    for name in SERVER_NAMES {
        params.subject_alt_names.push(SanType::DnsName(name.try_into()?));
    }
    let loopback = [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])];
    for address in loopback.into_iter().chain([address]).filter(|address| !address.is_unspecified()) {
        let name = SanType::IpAddress(address);
        if !params.subject_alt_names.contains(&name) {
            params.subject_alt_names.push(name);
        }
    }
    Ok(params)
}

/// Parameters with a name, groups, and ten years from yesterday (clocks differ).
fn named(name: &str, groups: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    for group in groups {
        subject.push(DnType::OrganizationName, *group);
    }
    params.distinguished_name = subject;
    let year = i32::try_from(crate::clock::since_epoch().as_secs() / 31_557_600 + 1970).unwrap_or(2026);
    params.not_before = rcgen::date_time_ymd(year - 1, 1, 1);
    params.not_after = rcgen::date_time_ymd(year + 10, 1, 1);
    params
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
