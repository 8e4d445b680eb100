;; It would overwrite whatever is there.
;; verdict: says BadRequest
(func $attack (call $update @"v1" @"ConfigMap" @"default" @"x" @"{\"metadata\":{\"name\":\"x\"}}"))
