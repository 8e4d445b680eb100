;; It wants to run again at once, for ever.
;; verdict: requeues
(func $attack (i32.store8 (i32.const 72) (i32.const 1)))
