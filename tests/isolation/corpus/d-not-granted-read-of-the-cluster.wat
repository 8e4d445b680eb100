;; It reads what lives in no namespace and was not granted.
;; each WHAT: @"v1" @"Namespace" | @"v1" @"Node" | @"rbac.authorization.k8s.io/v1" @"ClusterRole" | @"rbac.authorization.k8s.io/v1" @"ClusterRoleBinding" | @"apiextensions.k8s.io/v1" @"CustomResourceDefinition" | @"admissionregistration.k8s.io/v1" @"MutatingWebhookConfiguration"
;; verdict: says NotGranted
(func $attack (call $get {{WHAT}} @"" @"default"))
