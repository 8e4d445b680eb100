;; It follows more than a run may.
;; limits: subscriptions: 3
;; verdict: says LimitExceeded
;; reached: subscriptions
(func $attack
  (global.set $subscribe (i32.const 1))
  (call $get @"v1" @"ConfigMap" @"default" @"a") (call $get @"v1" @"ConfigMap" @"default" @"b")
  (call $get @"v1" @"ConfigMap" @"default" @"c") (call $get @"v1" @"ConfigMap" @"default" @"d"))
