;; It gives a metric of a new name each time.
;; limits: metricSeries: 3
;; verdict: done
;; reached: metricSeries
(func $attack
  (loop $on
    (i32.store8 (i32.const 65536) (i32.add (i32.const 97) (global.get $count)))
    (call $add (i32.const 65536) (i32.const 1) (f64.const 1) (i32.const 0) (i32.const 0))
    (br_if $on (call $below (i32.const 20)))))
