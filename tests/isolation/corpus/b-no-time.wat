;; It wants to run again after no time that there is.
;; each MS: nan | inf | -inf | -1
;; verdict: retries no time to wait
(func $attack
  (i32.store8 (i32.const 72) (i32.const 1)) (f64.store (i32.const 80) (f64.const {{MS}})))
