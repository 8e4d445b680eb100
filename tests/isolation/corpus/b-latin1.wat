;; Its texts are Latin-1 or UTF-16, as the length of each says: longer than its memory, half a pair, askew.
;; encoding: latin1+utf16
;; each PLACE: (i32.const 65536) (i32.const 0x80000001) | (i32.const 65537) (i32.const 0x80000001) | (i32.const 65536) (i32.const -1) | (i32.const 0) (i32.const 0x7fffffff) | (i32.const 196606) (i32.const 0x80000002) | (i32.const 65537) (i32.const 1)
;; verdict: trapped fault
(func $attack (call $log {{PLACE}}))
(data (i32.const 65536) "\00\d8\00\dc")
