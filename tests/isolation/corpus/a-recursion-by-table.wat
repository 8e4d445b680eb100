;; It calls itself by way of a table.
;; verdict: trapped stack call stack exhausted
(type $t (func))
(table 1 funcref)
(elem (i32.const 0) $attack)
(func $attack (call_indirect (type $t) (i32.const 0)) (call_indirect (type $t) (i32.const 0)))
