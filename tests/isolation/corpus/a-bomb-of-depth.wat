;; Its code is nested a hundred thousand times.
;; each OPEN: block | loop | local.get 0 if
;; verdict: any
(component
  (core module (func (param i32) {{100000 * {{OPEN}} }} {{100000 * end }}))
  (instance $i) (export "windlass:controller/reconciler@0.1.0" (instance $i)))
