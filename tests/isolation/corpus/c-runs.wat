;; It has more to do at a time than it may.
;; limits: runs: 1, cpuPerRun: 5s, memory: 32Mi
;; victims: 6
;; verdict: says allowed
;; reached: runs
(func $attack (loop $on (call $list @"v1" @"ConfigMap" @"default") (br_if $on (call $below (i32.const 5)))))
