;; It tells more Kubernetes Events than a run may.
;; limits: events: 3
;; verdict: done
;; reached: events
(func $attack (loop $on (call $emit @"default" @"none" @"Flood" @"x") (br_if $on (call $below (i32.const 20)))))
