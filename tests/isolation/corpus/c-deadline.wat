;; It goes on past its deadline.
;; limits: cpuPerRun: 80ms, deadline: 80ms
;; verdict: trapped deadline spec.limits.deadline is 80ms
;; told: deadline
(func $attack (loop $on (br $on)))
