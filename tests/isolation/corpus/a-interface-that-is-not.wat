;; It wants of the contract's own package what there is not, or what it should give itself.
;; each WHAT: reconciler@0.1.0 | secrets@0.1.0 | host@0.1.0 | control@0.1.0 | exec@0.1.0
;; verdict: refused which version 0.1.0 of the contract does not have
(component (import "windlass:controller/{{WHAT}}" (instance)))
