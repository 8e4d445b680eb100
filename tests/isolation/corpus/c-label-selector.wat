;; Its label selector is none.
;; each TEXT: a in | ===== | a b c | !!a | a in (b | \1b[2J
;; verdict: says BadRequest
(func $attack
  (call $select @"{{TEXT}}")
  (call $list @"v1" @"ConfigMap" @"default"))
(func $select (param i32 i32) (global.set $labels (local.get 0)) (global.set $labels_bytes (local.get 1)))
