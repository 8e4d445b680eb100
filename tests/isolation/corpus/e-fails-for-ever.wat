;; It fails each time, and wants to be tried again at once.
;; verdict: retries again
(func $attack
  (i32.store8 (i32.const 64) (i32.const 1)) (i32.store8 (i32.const 72) (i32.const 0))
  (call $text (i32.const 80) @"again")
  (i32.store8 (i32.const 88) (i32.const 1)) (f64.store (i32.const 96) (f64.const 0)))
