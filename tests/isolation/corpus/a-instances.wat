;; It is made of more core instances than a run of it may.
;; limits: instances: 1
;; verdict: refused spec.limits.instances is 1
;; told: instances
(func $attack)
