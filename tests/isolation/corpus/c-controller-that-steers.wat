;; A text of its controller would steer a terminal: its name, its kind, its selectors.
;; each WHERE: 0 | 8 | 16 | 36 | 48
;; verdict: refused the module's description is wrong
(func $attack)
;; part describe
(memory.copy (i32.const 9000) (i32.const ${description}) (i32.const 72))
(memory.copy (i32.const 9200) (i32.load (i32.const 9016)) (i32.const 72))
(i32.store (i32.const 9016) (i32.const 9200))
(i32.store8 (i32.const 9244) (i32.const 1))
(call $text (i32.add (i32.const 9200) (i32.const {{WHERE}})) @"\1b[2J\c2\9b31m\e2\80\ae\0d\0a\00")
(return (i32.const 9000))
