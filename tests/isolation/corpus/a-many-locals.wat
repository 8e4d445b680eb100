;; One function with as many locals as may be, and one more.
;; verdict: done
(func $attack (call $wide))
(func $wide (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64))
