;; It never ends, and calls the host all the time, by a call that no limit counts.
;; verdict: trapped cpu spec.limits.cpuPerRun
(func $attack (loop $on (drop (call $now)) (br $on)))
