;; It makes and drops handles without end, so that none are left over.
;; beside: resources
;; verdict: trapped cpu spec.limits.cpuPerRun
(table $handles (export "table") 8 funcref)
(type $make (func (param i32) (result i32)))
(type $end (func (param i32)))
(func $attack
  (loop $on
    (call_indirect $handles (type $end) (call_indirect $handles (type $make) (i32.const 7) (i32.const 0)) (i32.const 2))
    (br $on)))
