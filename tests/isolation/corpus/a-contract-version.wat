;; It was made for a contract that this host does not have.
;; each VERSION: 0.2.0 | 1.0.0 | 0.0.1 | 0.1.1
;; verdict: refused another version of the contract
(component (import "windlass:controller/objects@{{VERSION}}" (instance)))
