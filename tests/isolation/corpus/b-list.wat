;; It hands over a list that is longer than its memory, lies askew, or lies outside.
;; each PLACE: (i32.const 0) (i32.const 268435455) | (i32.const 1) (i32.const 2) | (i32.const -16) (i32.const 4) | (i32.const 0) (i32.const -1) | (i32.const 16) (i32.const 536870912)
;; verdict: trapped
(func $attack (call $raw_log (i32.const 2) (i32.const 0) (i32.const 0) {{PLACE}}))
