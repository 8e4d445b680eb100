;; A text of its description is none.
;; each WHERE: 0 | 8 | 60
;; each TEXT: @"\ff" | @"\ed\a0\80" | (i32.const -8) (i32.const 64) | (i32.const 0) (i32.const -1)
;; verdict: refused died while describing itself
(func $attack)
;; part describe
(memory.copy (i32.const 9000) (i32.const ${description}) (i32.const 72))
(i32.store8 (i32.const 9056) (i32.const 1))
(call $text (i32.add (i32.const 9000) (i32.const {{WHERE}})) {{TEXT}})
(return (i32.const 9000))
