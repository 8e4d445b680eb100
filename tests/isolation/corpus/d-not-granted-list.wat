;; It lists what it was not granted.
;; each WHAT: @"v1" @"Secret" @"default" | @"v1" @"Secret" @"" | @"v1" @"ConfigMap" @"other" | @"v1" @"Namespace" @"" | @"v1" @"Pod" @"" | @"rbac.authorization.k8s.io/v1" @"ClusterRole" @""
;; verdict: says NotGranted
(func $attack (call $list {{WHAT}}))
