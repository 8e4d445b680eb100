;; It makes handles without end, and drops none.
;; beside: resources
;; limits: cpuPerRun: 5s, deadline: 10s
;; verdict: trapped host-calls spec.limits.handles is 1000
;; told: handles
(table $handles (export "table") 8 funcref)
(type $make (func (param i32) (result i32)))
(func $attack (loop $on (drop (call_indirect $handles (type $make) (i32.const 7) (i32.const 0))) (br $on)))
