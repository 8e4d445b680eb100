;; The result of its run is none.
;; each HOW: (i32.store8 (i32.const 64) (i32.const 9)) | (i32.store8 (i32.const 72) (i32.const 9)) | (i32.store8 (i32.const 64) (i32.const 1)) (i32.store8 (i32.const 72) (i32.const 7)) | (call $say (i32.const -8) (i32.const 16)) | (call $say (i32.const 0) (i32.const -1)) | (call $say @"\ff")
;; verdict: trapped fault
(func $attack {{HOW}})
