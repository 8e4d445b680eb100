;; So many functions that compiling each takes too long in all.
;; verdict: refused more than || longer than || at most
(component
  (core module {{100000 * (func (param i32) (result i32) (i32.add (local.get 0) (i32.const {n})))}})
  (instance $i) (export "windlass:controller/reconciler@0.1.0" (instance $i)))
