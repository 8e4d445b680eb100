;; It writes a line as long as its memory, with everything in it that steers terminals.
;; verdict: done
;; reached: logText
(func $attack
  (memory.fill (i32.const 65536) (i32.const 27) (i32.const 65536))
  (call $log (i32.const 65536) (i32.const 65536)))
