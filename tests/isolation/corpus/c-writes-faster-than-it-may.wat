;; It writes faster than it may, and would wait past its deadline.
;; limits: writesPerSecond: 1, deadline: 500ms
;; verdict: says Throttled
;; reached: writesPerSecond
(func $attack
  (call $create @"v1" @"ConfigMap" @"default" @"paced" @"{\"metadata\":{\"name\":\"paced\"}}")
  (call $delete @"v1" @"ConfigMap" @"default" @"paced"))
