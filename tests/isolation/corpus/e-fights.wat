;; Two of them undo each other's work, for ever.
;; limits: cpuPerRun: 1s
;; each SIDE: one | two
;; verdict: fights
(func $attack
  (global.set $subscribe (i32.const 1))
  (call $get @"v1" @"ConfigMap" @"default" @"contested")
  (global.set $patch_type (i32.const 0)) (global.set $force (i32.const 1))
  (call $patch @"v1" @"ConfigMap" @"default" @"contested" @"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"contested\"},\"data\":{\"winner\":\"{{SIDE}}\"}}")
  (i32.store8 (i32.const 64) (i32.const 0)) (i32.store8 (i32.const 72) (i32.const 0)))
