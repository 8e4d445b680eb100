;; The host asks it for memory, and it asks the host for something instead.
;; each HOW: (call $log @"line") | (call $random (i32.const 1) (i32.const 704)) | (call $get @"v1" @"ConfigMap" @"default" @"a") | (drop (call $reconcile (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (f64.const 0)))
;; verdict: trapped
(func $attack (call $random (i32.const 1) (i32.const 704)))
;; part realloc
{{HOW}}
