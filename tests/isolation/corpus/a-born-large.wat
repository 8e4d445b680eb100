;; Its memory is larger than it may have from the start.
;; pages: 100
;; verdict: refused spec.limits.memory is 4Mi
(func $attack)
