;; It wants what no module gets.
;; each WHAT: wasi:filesystem/types@0.2.3 | wasi:sockets/tcp@0.2.3 | wasi:cli/exit@0.2.3 | wasi:http/outgoing-handler@0.2.3 | other:host/run
;; verdict: refused imports what this host does not give
(component (import "{{WHAT}}" (instance)))
