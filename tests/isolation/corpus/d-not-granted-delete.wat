;; It deletes what it was not granted.
;; each WHAT: @"v1" @"Secret" @"default" @"token" | @"v1" @"ConfigMap" @"other" @"a" | @"v1" @"Namespace" @"" @"other" | @"coordination.k8s.io/v1" @"Lease" @"kube-system" @"windlass"
;; verdict: says NotGranted
(func $attack (call $delete {{WHAT}}))
