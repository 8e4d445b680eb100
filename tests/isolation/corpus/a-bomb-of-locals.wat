;; Every value lives across every loop.
;; verdict: refused more than || longer than || at most
(component
  (core module
    (func {{3000 * (local i64) }}
      {{3000 * loop local.get {n} i64.const 1 i64.add local.set {n} }}
      {{3000 * local.get 0 i64.eqz br_if 0 end }}))
  (instance $i) (export "windlass:controller/reconciler@0.1.0" (instance $i)))
