;; A subresource that it was not granted.
;; each SUB: exec | token | proxy | status | scale | finalizers | eviction | ephemeralcontainers
;; verdict: says NotGranted
(func $attack
  (call $subresource @"{{SUB}}")
  (call $create @"v1" @"Pod" @"default" @"a" @"{}"))
