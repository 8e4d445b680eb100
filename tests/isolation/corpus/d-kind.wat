;; A kind that would lead to another path of the server, or is none.
;; each KIND: @"" @"ConfigMap" | @"v1" @"" | @"../v1" @"ConfigMap" | @"v1/../.." @"Secret" | @"apps%2fv1" @"Deployment" | @"v1" @"pods/exec" | @"v1" @"configmap" | @"V1" @"ConfigMap" | @"v1?x" @"ConfigMap" | @"\1b[2J/v1" @"ConfigMap"
;; verdict: says BadRequest
(func $attack (call $get {{KIND}} @"default" @"a"))
