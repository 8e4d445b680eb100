;; It calls itself until its stack is used up.
;; verdict: trapped stack call stack exhausted
(func $attack (drop (call $deep (i64.const 0))))
(func $deep (param i64) (result i64) (i64.add (call $deep (i64.add (local.get 0) (i64.const 1))) (local.get 0)))
