;; It writes more than an object may be.
;; limits: payload: 64Ki, memory: 4Mi
;; each CALL: create | update | patch
;; verdict: says TooLarge
;; reached: payload
(func $attack
  (memory.fill (i32.const 65536) (i32.const 32) (i32.const 65537))
  (call ${{CALL}} @"v1" @"ConfigMap" @"default" @"x" (i32.const 65536) (i32.const 65537)))
