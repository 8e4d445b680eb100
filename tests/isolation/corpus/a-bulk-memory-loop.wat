;; It spends its time in one instruction that the engine carries out, again and again.
;; verdict: trapped cpu spec.limits.cpuPerRun
(func $attack (loop $on (memory.fill (i32.const 65536) (i32.const 7) (i32.const 65536)) (br $on)))
