;; It was granted everything by a star, which does not cover what would hand over the cluster.
;; grant: {apiGroups: ['*'], resources: ['*'], verbs: ['*'], namespaces: ['*']}, {apiGroups: ['*'], resources: ['*'], verbs: ['*']}
;; each WHAT: @"v1" @"Secret" @"default" | @"rbac.authorization.k8s.io/v1" @"RoleBinding" @"default" | @"rbac.authorization.k8s.io/v1" @"ClusterRoleBinding" @"" | @"apiextensions.k8s.io/v1" @"CustomResourceDefinition" @"" | @"admissionregistration.k8s.io/v1" @"MutatingWebhookConfiguration" @""
;; verdict: says NotGranted
(func $attack (call $create {{WHAT}} @"x" @"{\"metadata\":{\"name\":\"x\"}}"))
