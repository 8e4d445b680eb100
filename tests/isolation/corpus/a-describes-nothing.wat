;; It describes controllers, indexes and permissions without names, one of each and too many of each.
;; each WHERE: 16 | 24 | 32
;; each COUNT: 1 | 300
;; verdict: refused the module's description is wrong
(func $attack)
;; part describe
(memory.copy (i32.const 9000) (i32.const ${description}) (i32.const 72))
(i32.store (i32.add (i32.const 9000) (i32.const {{WHERE}})) (i32.const 131072))
(i32.store (i32.add (i32.const 9004) (i32.const {{WHERE}})) (i32.const {{COUNT}}))
(return (i32.const 9000))
