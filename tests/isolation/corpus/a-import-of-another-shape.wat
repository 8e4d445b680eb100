;; It wants an interface of the contract with a function that there is not, or of another type.
;; each WHAT: (export "exec" (func)) | (export "get" (func)) | (export "get" (func (param "kind" string) (result string))) | (export "list" (type (sub resource))) | (export "delete" (func (param "x" u64)))
;; verdict: refused does not fit version
(component
  (import "windlass:controller/objects@0.1.0" (instance {{WHAT}}))
  (instance $i) (export "windlass:controller/reconciler@0.1.0" (instance $i)))
