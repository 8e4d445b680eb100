;; For each change it names the object that changed, and its run changes that again.
;; limits: cpuPerRun: 1s
;; watch: mapped
;; verdict: fights
(func $attack
  (call $random (i32.const 4) (i32.const 700))
  (memory.copy (i32.const 65600) @"{\"data\":{\"x\":\"")
  (i32.store (i32.const 65614)
    (i32.or (i32.and (i32.load (i32.load (i32.const 700))) (i32.const 0x07070707)) (i32.const 0x61616161)))
  (memory.copy (i32.const 65618) @"\"}}")
  (call $patch @"v1" @"ConfigMap" @"default" @"victim-e-names-itself" (i32.const 65600) (i32.const 21))
  (i32.store8 (i32.const 64) (i32.const 0)) (i32.store8 (i32.const 72) (i32.const 0)))
;; part targets
(memory.fill (i32.const 9000) (i32.const 0) (i32.const 300))
(call $text (i32.const 9008) (i32.const 9100) (local.get $count))
(call $text (i32.const 9100) (i32.const 9200) (i32.const 1))
(call $option (i32.const 9200) @"default")
(call $text (i32.const 9212) @"victim-e-names-itself")
(return (i32.const 9000))
