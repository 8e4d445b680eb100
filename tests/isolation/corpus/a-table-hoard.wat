;; It makes its table grow without end.
;; each BY: 1000 | 100000 | -1
;; limits: tableElements: 5000
;; verdict: trapped memory spec.limits.tableElements is 5000
;; told: tableElements
(table $t 1 funcref)
(func $attack
  (loop $on (br_if $on (i32.ge_s (table.grow $t (ref.null func) (i32.const {{BY}})) (i32.const 0))))
  unreachable)
