;; A namespace that would lead to another path of the server.
;; each NAMESPACE: .. | default/../other | default%2f..%2fother | Default | default/configmaps/a?x= | \1b | .
;; verdict: says BadRequest
(func $attack (call $get @"v1" @"ConfigMap" @"{{NAMESPACE}}" @"a"))
