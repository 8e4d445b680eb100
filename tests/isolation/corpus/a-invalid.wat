;; Code that is not valid: of wrong types, from an empty stack, to what is not there.
;; each CODE: i32.add | i64.const 1 | i32.const 1 i64.const 1 i32.add drop | local.get 9 drop | global.get 0 drop | i32.const 0 i32.load drop | br 5 | return_call 99 | call 7 | i32.const 0 call_indirect (type 0) | ref.func 3 drop | table.size 4 drop | memory.size drop | data.drop 0 | elem.drop 0 | block (result i32) end drop | i32.const 0 if (result i32) i32.const 1 end drop | local.set 0
;; verdict: refused not valid here
(component
  (core module (type (func)) (func (type 0) {{CODE}}))
  (instance $i) (export "windlass:controller/reconciler@0.1.0" (instance $i)))
