//! An embedded Kubernetes API server, faithful to kube-apiserver; depends on nothing of ours.
