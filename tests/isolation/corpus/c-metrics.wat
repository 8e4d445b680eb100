;; It gives more samples than a run may.
;; verdict: done
;; reached: metricSamples
(func $attack
  (loop $on
    (call $add @"flood" (f64.const 1) (i32.const 0) (i32.const 0))
    (br_if $on (call $below (i32.const 600)))))
