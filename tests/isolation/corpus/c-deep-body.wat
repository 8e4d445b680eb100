;; What it writes is nested deeper than anybody reads.
;; each CALL: create | update | patch
;; each SIGN: 91 | 123
;; verdict: any
(func $attack
  (memory.fill (i32.const 65536) (i32.const {{SIGN}}) (i32.const 60000))
  (call ${{CALL}} @"v1" @"ConfigMap" @"default" @"x" (i32.const 65536) (i32.const 60000)))
