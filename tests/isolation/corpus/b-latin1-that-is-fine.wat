;; Its texts are Latin-1, in which the controls of terminals are one byte each.
;; encoding: latin1+utf16
;; verdict: done
(func $attack (call $log (i32.const 65536) (i32.const 4)))
(data (i32.const 65536) "\9b31m")
