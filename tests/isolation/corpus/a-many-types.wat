;; It has many types.
;; limits: cpuPerRun: 1s
;; verdict: done
(func $attack)
{{20000 * (type (func (param i32 i64) (result f32)))}}
