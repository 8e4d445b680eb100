;; It describes more than its memory holds: so many controllers, indexes, permissions, definitions, finalizers.
;; each WHERE: 16 | 24 | 32 | 40 | 48
;; each COUNT: 100000 | 268435455
;; verdict: refused died while describing itself
(func $attack)
;; part describe
(memory.copy (i32.const 9000) (i32.const ${description}) (i32.const 72))
(i32.store (i32.add (i32.const 9000) (i32.const {{WHERE}})) (i32.const 12288))
(i32.store (i32.add (i32.const 9004) (i32.const {{WHERE}})) (i32.const {{COUNT}}))
(return (i32.const 9000))
