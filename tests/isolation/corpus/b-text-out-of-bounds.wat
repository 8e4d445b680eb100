;; It hands over text that lies outside of its memory, or wraps around.
;; each PLACE: (i32.const 196600) (i32.const 100) | (i32.const -8) (i32.const 16) | (i32.const 0) (i32.const -1) | (i32.const 2147483647) (i32.const 2147483647) | (i32.const 0) (i32.const 2147483648)
;; verdict: trapped fault
(func $attack (call $log {{PLACE}}))
