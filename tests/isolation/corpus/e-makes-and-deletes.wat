;; It makes an object and deletes it, and wants to run again at once.
;; limits: cpuPerRun: 1s
;; verdict: requeues
(func $attack
  (call $create @"v1" @"ConfigMap" @"default" @"ping-pong" @"{\"metadata\":{\"name\":\"ping-pong\"}}")
  (call $delete @"v1" @"ConfigMap" @"default" @"ping-pong")
  (i32.store8 (i32.const 64) (i32.const 0)) (i32.store8 (i32.const 72) (i32.const 1))
  (f64.store (i32.const 80) (f64.const 0)))
