;; A word of its question is as long as its memory.
;; each WORDS: (i32.const 65536) (i32.const 65536) @"ConfigMap" @"default" @"x" | @"v1" (i32.const 65536) (i32.const 65536) @"default" @"x" | @"v1" @"ConfigMap" (i32.const 65536) (i32.const 65536) @"x" | @"v1" @"ConfigMap" @"default" (i32.const 65536) (i32.const 65536)
;; verdict: says BadRequest
(func $attack
  (memory.fill (i32.const 65536) (i32.const 97) (i32.const 65536))
  (call $get {{WORDS}}))
