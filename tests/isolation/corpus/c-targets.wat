;; One change leads to more objects than it may.
;; watch: mapped
;; limits: targetsPerChange: 1
;; verdict: done
;; told: targetsPerChange
(func $attack)
;; part targets
(i32.store (i32.const 9000) (i32.const 0))
(call $text (i32.const 9008) (i32.const 9100) (i32.const 1))
(call $text (i32.const 9100) (i32.const 9200) (i32.const 2))
(memory.fill (i32.const 9200) (i32.const 0) (i32.const 40))
(call $text (i32.const 9212) @"a")
(call $text (i32.const 9232) @"b")
(return (i32.const 9000))
