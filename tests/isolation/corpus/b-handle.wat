;; A handle that was never given, is given back already, or is of another type.
;; beside: resources
;; each HOW: (call $drop (i32.const 12345)) | (call $drop (i32.const 0)) | (call $drop (i32.const -1)) | (drop (call $rep (i32.const 1))) | (drop (call $rep (i32.const -2147483648))) | (global.set $handle (call $new (i32.const 7))) (call $drop (global.get $handle)) (call $drop (global.get $handle)) | (global.set $handle (call $new (i32.const 7))) (call $drop (global.get $handle)) (drop (call $rep (global.get $handle))) | (call $drop_other (call $new (i32.const 7))) | (drop (call $rep_other (call $new (i32.const 7)))) | (global.set $handle (call $new (i32.const 7))) (call $drop (global.get $handle)) (drop (call $new_other (i32.const 8))) (drop (call $rep (global.get $handle)))
;; verdict: trapped fault
(table $handles (export "table") 8 funcref)
(global $handle (mut i32) (i32.const 0))
(type $make (func (param i32) (result i32)))
(type $end (func (param i32)))
(func $new (param i32) (result i32) (call_indirect $handles (type $make) (local.get 0) (i32.const 0)))
(func $rep (param i32) (result i32) (call_indirect $handles (type $make) (local.get 0) (i32.const 1)))
(func $drop (param i32) (call_indirect $handles (type $end) (local.get 0) (i32.const 2)))
(func $new_other (param i32) (result i32) (call_indirect $handles (type $make) (local.get 0) (i32.const 3)))
(func $rep_other (param i32) (result i32) (call_indirect $handles (type $make) (local.get 0) (i32.const 4)))
(func $drop_other (param i32) (call_indirect $handles (type $end) (local.get 0) (i32.const 5)))
(func $attack {{HOW}})
