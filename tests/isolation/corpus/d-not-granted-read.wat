;; It reads what it was not granted.
;; each WHAT: @"v1" @"Secret" @"default" | @"v1" @"ConfigMap" @"other" | @"v1" @"ConfigMap" @"kube-system" | @"v1" @"ServiceAccount" @"default" | @"rbac.authorization.k8s.io/v1" @"Role" @"default" | @"coordination.k8s.io/v1" @"Lease" @"kube-system"
;; verdict: says NotGranted
(func $attack (call $get {{WHAT}} @"token"))
