;; It reads more than an answer may hold: an object, and a list.
;; each CALL: (call $get @"v1" @"ConfigMap" @"granted" @"a") | (call $list @"v1" @"ConfigMap" @"granted")
;; grant: {apiGroups: [''], resources: [configmaps], verbs: [get, list, watch], namespaces: [default, granted]}
;; limits: reply: 1Ki
;; verdict: says spec.limits.reply is 1Ki
;; told: reply
(func $attack (call $verbose) {{CALL}})
