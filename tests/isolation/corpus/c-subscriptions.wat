;; It follows more than a run may.
;; limits: subscriptions: 3
;; verdict: says spec.limits.subscriptions is 3
;; told: subscriptions
(func $attack
  (call $verbose) (global.set $subscribe (i32.const 1))
  (call $get @"v1" @"ConfigMap" @"default" @"a") (call $get @"v1" @"ConfigMap" @"default" @"b")
  (call $get @"v1" @"ConfigMap" @"default" @"c") (call $get @"v1" @"ConfigMap" @"default" @"d"))
