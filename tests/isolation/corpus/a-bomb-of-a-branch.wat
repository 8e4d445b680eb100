;; One branch of it leads to a million places.
;; verdict: refused bytes in its largest function and at most 1048576
(component
  (core module (func (param i32) block (br_table {{1100000 * 0 }} 0 (local.get 0)) end))
  (instance $i) (export "windlass:controller/reconciler@0.1.0" (instance $i)))
