;; It does not describe itself.
;; each HOW: unreachable | (loop $on (br $on)) | (return (i32.const -16)) | (return (i32.const 1025)) | (drop (call $now)) (drop (memory.grow (i32.const 4096))) unreachable
;; verdict: refused died while describing itself
(func $attack)
;; part describe
{{HOW}}
