;; What its memory and its tables begin with lies outside of them.
;; each WHAT: (data (i32.const 196608) "x") | (data (i32.const -1) "x") | (table $t 1 funcref) (elem (table $t) (i32.const 1) func $attack) | (table $t 1 funcref) (elem (table $t) (i32.const -1) func $attack)
;; verdict: refused
(func $attack)
{{WHAT}}
