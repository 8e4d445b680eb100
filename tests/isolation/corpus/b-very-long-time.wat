;; It wants to run again after longer than clocks count.
;; verdict: requeues
(func $attack
  (i32.store8 (i32.const 72) (i32.const 1)) (f64.store (i32.const 80) (f64.const 1e300)))
