;; Its field selector is none.
;; each TEXT: metadata.name | a b c | !!a
;; verdict: says BadRequest
(func $attack
  (call $select @"{{TEXT}}")
  (call $list @"v1" @"ConfigMap" @"default"))
(func $select (param i32 i32) (global.set $fields (local.get 0)) (global.set $fields_bytes (local.get 1)))
