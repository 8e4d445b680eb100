;; Its texts are UTF-16: half a pair of surrogates, a pair the wrong way around, at the end, and askew.
;; encoding: utf16
;; each PLACE: (i32.const 65536) (i32.const 1) | (i32.const 65538) (i32.const 1) | (i32.const 65538) (i32.const 2) | (i32.const 65542) (i32.const 2) | (i32.const 65545) (i32.const 1) | (i32.const 65544) (i32.const -1) | (i32.const 196606) (i32.const 2) | (i32.const 0) (i32.const -2147483648)
;; verdict: trapped fault
(func $attack (call $log {{PLACE}}))
(data (i32.const 65536) "\00\d8\00\dc\00\d8a\00\00\d8bc")
