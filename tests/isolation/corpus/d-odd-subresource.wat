;; A subresource that would lead to another path of the server.
;; each SUB: ../x | a/b | %2f | .. | STATUS | \1b | status?x
;; verdict: says BadRequest
(func $attack
  (call $subresource @"{{SUB}}")
  (call $get @"v1" @"ConfigMap" @"default" @"a"))
