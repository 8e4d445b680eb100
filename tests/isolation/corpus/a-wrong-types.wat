;; It exports the right names with other types.
;; each WHAT: (instance $i) | (instance $i (export "describe" (func $f))) 
;; verdict: refused does not fit version
(component
  (core module $m (func (export "f")))
  (core instance $c (instantiate $m))
  (func $f (canon lift (core func $c "f")))
  {{WHAT}}
  (export "windlass:controller/reconciler@0.1.0" (instance $i)))
