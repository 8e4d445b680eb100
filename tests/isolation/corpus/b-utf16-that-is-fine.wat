;; Its texts are UTF-16, and steer a terminal.
;; encoding: utf16
;; verdict: done
(func $attack (call $log (i32.const 65536) (i32.const 7)))
(data (i32.const 65536) "\1b\00[\002\00J\00\2e\20\3d\d8\80\de")
