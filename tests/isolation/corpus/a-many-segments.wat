;; Its memory is made of many small pieces.
;; verdict: done
;; limits: cpuPerRun: 1s
(func $attack)
{{5000 * (data (i32.const 131072) "x")}}
