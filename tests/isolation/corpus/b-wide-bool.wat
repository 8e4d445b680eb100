;; Bits beside a small enumeration that nobody reads, and a bool that is neither.
;; verdict: says Conflict
(func $attack
  (global.set $force (i32.const 0x7ffffffe))
  (global.set $patch_type (i32.const 0))
  (call $patch @"v1" @"ConfigMap" @"default" @"a" @"{}")
  (i32.store (i32.const 64) (i32.const 0xffffff01)) (call $say @"Conflict"))
