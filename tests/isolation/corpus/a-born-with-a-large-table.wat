;; Its table is larger than it may have from the start.
;; verdict: refused
(table 10000000 funcref)
(func $attack)
