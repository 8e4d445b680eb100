;; It follows what it may only get.
;; grant: {apiGroups: [''], resources: [configmaps], verbs: [get, list, watch], namespaces: [default]}, {apiGroups: [''], resources: [secrets], verbs: [get], namespaces: [default]}
;; verdict: says NotGranted
(func $attack
  (global.set $subscribe (i32.const 1))
  (call $get @"v1" @"Secret" @"default" @"token"))
