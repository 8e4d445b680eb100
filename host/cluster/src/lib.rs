//! The only crate that knows kube: reflector, client, discovery, lease, events.
