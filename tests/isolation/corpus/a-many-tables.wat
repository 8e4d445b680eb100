;; It has more tables than a run may have.
;; verdict: refused
(table 1 funcref) (table 1 funcref) (table 1 funcref) (table 1 funcref) (table 1 funcref)
(func $attack)
