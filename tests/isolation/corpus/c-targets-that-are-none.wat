;; What a change leads to is no name, no list, or not there; or the question never ends.
;; watch: mapped
;; each HOW: (call $text (i32.const 9212) @"../../x") | (call $text (i32.const 9212) @"\1b[2J") | (call $text (i32.const 9212) @"\ed\a0\80") | (call $text (i32.const 9100) (i32.const 9200) (i32.const -1)) | (call $text (i32.const 9008) (i32.const 9100) (i32.const 0)) | (call $text (i32.const 9008) (i32.const -8) (i32.const 1)) | (i32.store8 (i32.const 9000) (i32.const 7)) | (loop $on (br $on)) | unreachable | (drop (call $now)) (drop (memory.grow (i32.const 4096))) unreachable
;; verdict: done
(func $attack)
;; part targets
(memory.fill (i32.const 9000) (i32.const 0) (i32.const 300))
(call $text (i32.const 9008) (i32.const 9100) (i32.const 1))
(call $text (i32.const 9100) (i32.const 9200) (i32.const 1))
(call $text (i32.const 9212) @"a")
{{HOW}}
(return (i32.const 9000))
