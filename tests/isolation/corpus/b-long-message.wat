;; The text that it fails with is as long as its memory.
;; verdict: says …
(func $attack
  (memory.fill (i32.const 65536) (i32.const 65) (i32.const 65536))
  (call $say (i32.const 65536) (i32.const 65536)))
