;; What a call is asked with, or where its answer goes, lies outside of memory or askew.
;; each PLACES: (i32.const -120) (i32.const 704) | (i32.const 8193) (i32.const 704) | (i32.const 8192) (i32.const -8) | (i32.const 8192) (i32.const 705) | (i32.const 196600) (i32.const 704)
;; verdict: trapped fault
(func $attack (call $raw_list {{PLACES}}))
