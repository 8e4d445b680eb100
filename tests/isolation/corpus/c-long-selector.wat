;; Its selector is as long as its memory.
;; each WHICH: labels | fields
;; verdict: any
(func $attack
  (memory.fill (i32.const 65536) (i32.const 97) (i32.const 65536))
  (global.set ${{WHICH}} (i32.const 65536)) (global.set ${{WHICH}}_bytes (i32.const 65536))
  (call $list @"v1" @"ConfigMap" @"default"))
