;; Its code is nested deeper than anybody reads.
;; each OPEN: block | loop | i32.const 1 if
;; verdict: done
;; limits: cpuPerRun: 1s
(func $attack)
(func $deep {{2000 * {{OPEN}} }} {{2000 * end }})
