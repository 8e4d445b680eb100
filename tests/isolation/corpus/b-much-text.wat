;; It hands over more than a call may.
;; limits: payload: 1Ki
;; verdict: trapped host-calls spec.limits.payload is 1Ki
;; told: payload
(func $attack (call $log (i32.const 0) (i32.const 131072)))
