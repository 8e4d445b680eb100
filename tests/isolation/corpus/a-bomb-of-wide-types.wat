;; Its functions take and give as many values as may be.
;; verdict: any
(component
  (core module (type $t (func {{900 * (param i64) }} {{900 * (result i64) }})) {{2000 * (func (type $t) unreachable) }})
  (instance $i) (export "windlass:controller/reconciler@0.1.0" (instance $i)))
