;; It never ends.
;; verdict: trapped cpu spec.limits.cpuPerRun is 60ms
(func $attack (loop $on (br $on)))
