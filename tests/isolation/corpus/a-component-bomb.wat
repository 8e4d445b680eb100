;; Each component in it is made twice by the next one: in the end there would be more instances than atoms.
;; verdict: refused more than || longer than || at most || exceed
(component
  (component (core module $m (func (export "f"))) (core instance (instantiate $m)))
  {{64 * (component (alias outer 1 {n} (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
}}  (instance (instantiate 64))
  (instance $i) (export "windlass:controller/reconciler@0.1.0" (instance $i)))
