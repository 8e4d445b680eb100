;; It has more tables than a run of it may.
;; limits: tables: 1
;; verdict: refused spec.limits.tables is 1
;; told: tables
(table 1 funcref) (table 1 funcref)
(func $attack)
