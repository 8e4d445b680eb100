;; Its metric is none: its name, its value, or its labels.
;; each SAMPLE: @"no name" (f64.const 1) (i32.const 0) (i32.const 0) | @"\1b[2J" (f64.const 1) (i32.const 0) (i32.const 0) | @"a" (f64.const nan) (i32.const 0) (i32.const 0) | @"a" (f64.const -1) (i32.const 0) (i32.const 0) | @"a" (f64.const 1) (i32.const 65536) (i32.const 1000) | @"" (f64.const 1) (i32.const 0) (i32.const 0)
;; verdict: done
(func $attack (call $add {{SAMPLE}}))
