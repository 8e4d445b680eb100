;; Each of its runs changes its own object, which leads to the next.
;; limits: cpuPerRun: 1s
;; verdict: fights
(func $attack
  (call $random (i32.const 4) (i32.const 700))
  (i32.store (i32.const 65536) (i32.or (i32.and (i32.load (i32.load (i32.const 700))) (i32.const 0x07070707)) (i32.const 0x61616161)))
  (memory.copy (i32.const 65600) @"{\"data\":{\"x\":\"")
  (memory.copy (i32.const 65614) (i32.const 65536) (i32.const 4))
  (memory.copy (i32.const 65618) @"\"}}")
  (call $patch @"v1" @"ConfigMap" @"default" @"victim-e-wakes-itself" (i32.const 65600) (i32.const 21))
  (i32.store8 (i32.const 64) (i32.const 0)) (i32.store8 (i32.const 72) (i32.const 0)))
