;; It writes a new value into a label or an annotation of its own object, each time it sees it.
;; limits: cpuPerRun: 1s
;; each WHERE: labels | annotations
;; verdict: fights
(func $attack
  (local $at i32)
  (call $random (i32.const 4) (i32.const 700))
  (call $copied @"{\"metadata\":{\"{{WHERE}}\":{\"x\":\"")
  (i32.store (i32.add (i32.const 65600) (global.get $copied))
    (i32.or (i32.and (i32.load (i32.load (i32.const 700))) (i32.const 0x07070707)) (i32.const 0x61616161)))
  (global.set $copied (i32.add (global.get $copied) (i32.const 4)))
  (call $copied @"\"}}}")
  (call $patch @"v1" @"ConfigMap" @"default" @"victim-${name}" (i32.const 65600) (global.get $copied))
  (i32.store8 (i32.const 64) (i32.const 0)) (i32.store8 (i32.const 72) (i32.const 0)))
(global $copied (mut i32) (i32.const 0))
(func $copied (param i32 i32)
  (memory.copy (i32.add (i32.const 65600) (global.get $copied)) (local.get 0) (local.get 1))
  (global.set $copied (i32.add (global.get $copied) (local.get 1))))
