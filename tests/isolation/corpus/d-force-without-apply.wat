;; It would take fields from others where no fields are owned: that does nothing.
;; each TYPE: 1 | 3
;; verdict: says allowed
(func $attack
  (global.set $force (i32.const 1)) (global.set $patch_type (i32.const {{TYPE}}))
  (call $patch @"v1" @"ConfigMap" @"default" @"victim-${name}" @"{}"))
