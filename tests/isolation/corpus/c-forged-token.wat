;; It forges the token of a page, to come to a place that it may not list.
;; each TOKEN: windlass/in/kube-system/ | windlass/in/other/abc | windlass/after/kube-system/a | windlass/ | windlass/after/../../secrets | windlass/in/
;; grant: {apiGroups: [''], resources: [configmaps], verbs: [get, list, watch], namespaces: [default, granted]}
;; verdict: any
(func $attack
  (call $turn @"{{TOKEN}}")
  (call $list @"v1" @"ConfigMap" @""))
(func $turn (param i32 i32) (global.set $token (local.get 0)) (global.set $token_bytes (local.get 1)))
