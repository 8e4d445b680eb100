;; It writes what it was not granted.
;; each CALL: create | patch | update
;; each WHAT: @"v1" @"Secret" @"default" | @"v1" @"ConfigMap" @"other" | @"rbac.authorization.k8s.io/v1" @"ClusterRoleBinding" @"" | @"rbac.authorization.k8s.io/v1" @"RoleBinding" @"default" | @"apiextensions.k8s.io/v1" @"CustomResourceDefinition" @"" | @"admissionregistration.k8s.io/v1" @"ValidatingWebhookConfiguration" @"" | @"coordination.k8s.io/v1" @"Lease" @"kube-system" | @"v1" @"Namespace" @"" | @"v1" @"Pod" @"default"
;; verdict: says NotGranted
(func $attack (call ${{CALL}} {{WHAT}} @"x" @"{\"metadata\":{\"name\":\"x\",\"resourceVersion\":\"1\"}}"))
