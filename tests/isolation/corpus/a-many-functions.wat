;; It has many functions, none of which does anything.
;; limits: cpuPerRun: 1s
;; verdict: done
(func $attack)
{{5000 * (func)}}
