;; It has more of something than any module may have.
;; each WHAT: {{101 * (table 1 funcref)}} | {{10000 * (table 1 funcref)}} | {{100001 * (data "x")}} | {{100001 * (global i32 (i32.const 0))}} | {{200001 * (type (func))}}
;; verdict: refused
(component
  (core module {{WHAT}})
  (instance $i) (export "windlass:controller/reconciler@0.1.0" (instance $i)))
