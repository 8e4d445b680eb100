;; It tells as many Events as it may, and wants to run again at once.
;; limits: events: 5
;; verdict: requeues
;; reached: events
(func $attack
  (loop $on
    (call $emit @"default" @"none" @"Storm" @"x") (br_if $on (call $below (i32.const 20))))
  (i32.store8 (i32.const 72) (i32.const 1)))
