;; A text of its description would steer a terminal: its title, its version, the schema of its settings.
;; each WHERE: 0 | 8 | 60
;; verdict: any
(func $attack)
;; part describe
(memory.copy (i32.const 9000) (i32.const ${description}) (i32.const 72))
(i32.store8 (i32.const 9056) (i32.const {{WHERE}}))
(call $text (i32.add (i32.const 9000) (i32.const {{WHERE}})) @"\1b[2J\c2\9b31m\e2\80\ae\0d\00")
(return (i32.const 9000))
