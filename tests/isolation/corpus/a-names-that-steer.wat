;; What it imports or exports has a name that would steer a terminal.
;; each WHAT: (import "\1b[2J" (instance)) | (import "a:b/\c2\9b31m" (instance)) | (import "windlass:controller/\1b[2J@0.1.0" (instance)) | (import "windlass:controller/objects@0.1.0\1b[2J" (instance)) | (instance $i) (export "\1b[2J" (instance $i)) | (instance $i) (export "windlass:controller/reconciler@\e2\80\ae" (instance $i)) | (core module $m (import "\1b[2J" "\c2\9b" (func))) (core instance (instantiate $m)) (instance $i) (export "windlass:controller/reconciler@0.1.0" (instance $i)) | (core module $m (func (export "\1b[2J")) (func (export "\1b[2J"))) (instance $i) (export "windlass:controller/reconciler@0.1.0" (instance $i))
;; verdict: refused
(component {{WHAT}})
