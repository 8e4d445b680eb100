;; It asks for an index that it did not declare, or by an owner that no watch can look up.
;; each WHICH: index | uid
;; verdict: says BadRequest
(func $attack (call $by @"other") (call $list @"v1" @"ConfigMap" @"default"))
(func $by (param i32 i32) (global.set ${{WHICH}} (local.get 0)) (global.set ${{WHICH}}_bytes (local.get 1)))
