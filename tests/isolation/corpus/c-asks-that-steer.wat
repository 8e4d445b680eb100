;; What it asks for has words that would steer a terminal: groups, resources, names, verbs.
;; each WHERE: 9300 | 9308 | 9316 | 9324
;; verdict: any
(func $attack)
;; part describe
(memory.copy (i32.const 9000) (i32.const ${description}) (i32.const 72))
(call $text (i32.const 9032) (i32.const 9200) (i32.const 1))
(call $text (i32.const 9200) (i32.const 9300) (i32.const 1)) (call $text (i32.const 9208) (i32.const 9308) (i32.const 1))
(call $text (i32.const 9216) (i32.const 9316) (i32.const 1)) (call $text (i32.const 9224) (i32.const 9324) (i32.const 1))
(call $text (i32.const 9300) @"apps") (call $text (i32.const 9308) @"pods")
(call $text (i32.const 9316) @"web") (call $text (i32.const 9324) @"get")
(call $text (i32.const {{WHERE}}) @"\1b[2J\c2\9b31m\e2\80\ae\0d\0ax\00")
(return (i32.const 9000))
