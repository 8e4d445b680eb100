//! A kubeconfig with everything embedded.

use std::net::SocketAddr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::tls::Authority;

pub(super) fn admin(address: SocketAddr, authority: &Authority) -> String {
    let (certificate, key) = authority.admin_pem();
    let [ca, certificate, key] =
        [authority.ca_pem(), certificate, key].map(|pem| BASE64_STANDARD.encode(pem));
    let server = reachable(address);
    format!(
        "apiVersion: v1
kind: Config
clusters:
- name: windlass
  cluster:
    server: https://{server}
    certificate-authority-data: {ca}
users:
- name: kubernetes-admin
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
contexts:
- name: windlass
  context:
    cluster: windlass
    user: kubernetes-admin
    namespace: default
current-context: windlass
"
    )
}

/// A server that listens everywhere is reached here.
fn reachable(address: SocketAddr) -> SocketAddr {
    if !address.ip().is_unspecified() {
        return address;
    }
    let loopback: std::net::IpAddr =
        if address.is_ipv4() { [127, 0, 0, 1].into() } else { [0, 0, 0, 0, 0, 0, 0, 1].into() };
    SocketAddr::new(loopback, address.port())
}
