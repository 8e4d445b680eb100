;; The host asks it for memory, and it gives what is not there, lies askew, or ends badly.
;; each HOW: (return (i32.const -16)) | (return (i32.const 2147483640)) | (loop $on (br $on)) | unreachable | (drop (call $now)) | (drop (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 1))) | (loop $on (br_if $on (i32.ge_s (memory.grow (i32.const 1)) (i32.const 0)))) unreachable
;; verdict: trapped
(func $attack)
;; part realloc
{{HOW}}
