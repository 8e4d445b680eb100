;; One list of it becomes more calls of the server than one page may.
;; grant: {apiGroups: [''], resources: [configmaps], verbs: [get, list, watch], namespaces: [default, granted]}
;; limits: namespacesPerList: 1
;; verdict: says allowed
;; reached: namespacesPerList
(func $attack (call $list @"v1" @"ConfigMap" @""))
