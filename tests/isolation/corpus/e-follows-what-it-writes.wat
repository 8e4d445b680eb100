;; It follows an object that it writes in each run, which wakes it again.
;; limits: cpuPerRun: 1s
;; verdict: fights
(func $attack
  (global.set $subscribe (i32.const 1))
  (call $get @"v1" @"ConfigMap" @"default" @"followed")
  (call $random (i32.const 4) (i32.const 700))
  (memory.copy (i32.const 65600) @"{\"metadata\":{\"name\":\"followed\"},\"data\":{\"x\":\"")
  (i32.store (i32.const 65645)
    (i32.or (i32.and (i32.load (i32.load (i32.const 700))) (i32.const 0x07070707)) (i32.const 0x61616161)))
  (memory.copy (i32.const 65649) @"\"},\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\"}")
  (global.set $patch_type (i32.const 0)) (global.set $force (i32.const 1))
  (call $patch @"v1" @"ConfigMap" @"default" @"followed" (i32.const 65600) (i32.const 89))
  (i32.store8 (i32.const 64) (i32.const 0)) (i32.store8 (i32.const 72) (i32.const 0)))
