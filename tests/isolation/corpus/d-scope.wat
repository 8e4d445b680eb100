;; It names a namespace where there is none, or none where there is one.
;; grant: {apiGroups: [''], resources: [configmaps, namespaces], verbs: ['*'], namespaces: [default]}
;; each CALL: (call $get @"v1" @"Namespace" @"default" @"other") | (call $delete @"v1" @"Namespace" @"default" @"other") | (call $create @"v1" @"Namespace" @"default" @"x" @"{\"metadata\":{\"name\":\"x\"}}") | (call $get @"v1" @"ConfigMap" @"" @"a")
;; verdict: says BadRequest
(func $attack {{CALL}})
