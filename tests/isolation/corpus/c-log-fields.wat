;; It writes a line with more fields than a line may have.
;; verdict: done
;; reached: logFields
(func $attack (call $raw_log (i32.const 2) @"line" (i32.const 65536) (i32.const 4096)))
