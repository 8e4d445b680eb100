;; What it writes is no object.
;; each BODY: | [] | null | 1e999 | {\"metadata\":{\"name\":1}} | {\"metadata\":[]} | {\"metadata\":{\"namespace\":\"kube-system\"}} | {\"metadata\":{\"name\":\"other\"}} | {\"metadata\":{\"name\":\"x\",\"name\":\"y\"}} | \ef\bb\bf{} | {\"a\":\"\00\"} | {
;; verdict: says BadRequest
(func $attack (call $create @"v1" @"ConfigMap" @"default" @"x" @"{{BODY}}"))
