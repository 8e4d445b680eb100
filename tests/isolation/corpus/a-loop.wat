;; It never ends.
;; verdict: trapped cpu spec.limits.cpuPerRun is 60ms
;; told: cpuPerRun
(func $attack (loop $on (br $on)))
