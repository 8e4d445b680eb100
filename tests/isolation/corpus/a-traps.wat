;; One of each fault that a program can have.
;; each HOW: unreachable | (drop (i32.div_u (i32.const 1) (i32.const 0))) | (drop (i32.div_s (i32.const -2147483648) (i32.const -1))) | (drop (i64.rem_u (i64.const 1) (i64.const 0))) | (drop (i32.trunc_f64_s (f64.const nan))) | (drop (i64.trunc_f64_u (f64.const 1e300))) | (drop (i32.load (i32.const -4))) | (drop (i64.load offset=4294967295 (i32.const -1))) | (i32.store (i32.const 2147483647) (i32.const 1)) | (call_indirect (type $none) (i32.const 9)) | (call_indirect (type $none) (i32.const 1)) | (call_indirect (type $none) (i32.const 0)) | (memory.fill (i32.const 65536) (i32.const 0) (i32.const -1)) | (memory.copy (i32.const 0) (i32.const 65536) (i32.const -1)) | (memory.init $data (i32.const 0) (i32.const 0) (i32.const 9)) | (drop (table.get $t (i32.const 9))) | (table.fill $t (i32.const 1) (ref.null func) (i32.const 9)) | (drop (v128.load (i32.const -15)))
;; verdict: trapped fault
(type $none (func))
(table $t 2 funcref)
(elem (i32.const 0) func $other)
(data $data "1234")
(func $other (param i32) (result i32) (local.get 0))
(func $attack {{HOW}})
