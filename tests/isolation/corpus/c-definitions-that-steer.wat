;; What it brings along, or the finalizers that it sets, would steer a terminal.
;; each WHERE: 9040 | 9048
;; each TEXT: \1b[2J | {\"metadata\":{\"name\":\"\5cu001b[2J\e2\80\ae\"}} | example.com/\c2\9b31m
;; verdict: any
(func $attack)
;; part describe
(memory.copy (i32.const 9000) (i32.const ${description}) (i32.const 72))
(call $text (i32.const {{WHERE}}) (i32.const 9200) (i32.const 1))
(call $text (i32.const 9200) @"{{TEXT}}")
(return (i32.const 9000))
