;; A section that names things or tells where it comes from is none.
;; each WHERE: (core module (@custom "{{SECTION}}" "{{TEXT}}")) | (@custom "{{SECTION}}" "{{TEXT}}")
;; each SECTION: name | producers | component-name | linking | .debug_info
;; each TEXT: \ff\ff\ff\ff | \00\05\ff\ff\ff\ff\0f
;; verdict: refused does not fit version
(component
  {{WHERE}}
  (instance $i) (export "windlass:controller/reconciler@0.1.0" (instance $i)))
