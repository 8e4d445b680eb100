;; It writes more lines than a run may.
;; verdict: done
;; reached: logLines
(func $attack (loop $on (call $log @"line") (br_if $on (call $below (i32.const 2000)))))
