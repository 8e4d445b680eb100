;; One branch of it leads to many places.
;; verdict: done
;; limits: cpuPerRun: 1s
(func $attack)
(func $wide (param i32) block block (br_table {{20000 * 1 0 }} 0 (local.get 0)) end end)
