;; The compiler would take long over it: branches that all reach the same few values.
;; verdict: refused more than || longer than || at most
(component
  (core module
    (func (param i64 i64 i64) (result i64) {{12000 * local.get 0 local.get 1 i64.mul local.get 2 i64.add local.tee 1 local.get 2 i64.lt_s if local.get 1 local.get 0 i64.xor local.set 2 else local.get 2 local.get 1 i64.sub local.set 0 end }} local.get 0)
    (func (param i64 i64 i64) (result i64) {{12000 * local.get 0 local.get 1 i64.mul local.get 2 i64.add local.tee 1 local.get 2 i64.lt_s if local.get 1 local.get 0 i64.xor local.set 2 else local.get 2 local.get 1 i64.sub local.set 0 end }} local.get 0)
    (func (param i64 i64 i64) (result i64) {{12000 * local.get 0 local.get 1 i64.mul local.get 2 i64.add local.tee 1 local.get 2 i64.lt_s if local.get 1 local.get 0 i64.xor local.set 2 else local.get 2 local.get 1 i64.sub local.set 0 end }} local.get 0)
    (func (param i64 i64 i64) (result i64) {{12000 * local.get 0 local.get 1 i64.mul local.get 2 i64.add local.tee 1 local.get 2 i64.lt_s if local.get 1 local.get 0 i64.xor local.set 2 else local.get 2 local.get 1 i64.sub local.set 0 end }} local.get 0)
  )
  (instance $i) (export "windlass:controller/reconciler@0.1.0" (instance $i)))
