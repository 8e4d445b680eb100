;; It gives functions of the right names and other types.
;; each WHAT: (func $f (result u32) (canon lift (core func $c "f"))) | (func $f (result f64) (canon lift (core func $c "d"))) | (func $f (param "a" u32) (result u32) (canon lift (core func $c "g"))) | (func $f (param "request" string) (canon lift (core func $c "s") (memory (core memory $c "m")) (realloc (core func $c "r")))) | (func $f (result string) (canon lift (core func $c "f") (memory (core memory $c "m")) (realloc (core func $c "r"))))
;; each NAME: describe | reconcile | targets
;; verdict: refused does not fit version
(component
  (core module $m
    (memory (export "m") 1)
    (func (export "f") (result i32) (i32.const 0)) (func (export "d") (result f64) (f64.const 0))
    (func (export "g") (param i32) (result i32) (i32.const 0)) (func (export "s") (param i32 i32))
    (func (export "r") (param i32 i32 i32 i32) (result i32) (i32.const 0)))
  (core instance $c (instantiate $m))
  {{WHAT}}
  (instance $i (export "{{NAME}}" (func $f)))
  (export "windlass:controller/reconciler@0.1.0" (instance $i)))
