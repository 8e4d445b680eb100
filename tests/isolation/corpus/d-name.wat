;; A name that would lead to another path of the server.
;; each CALL: get | delete
;; each NAME: .. | . | ../../secrets/token | a/b | %2e%2e | a%2fb | a?x=1 | a#b | a\\\\b | a b | \1b[2J | \c3\a9 | token/../../secrets | a\00b
;; verdict: says BadRequest
(func $attack (call ${{CALL}} @"v1" @"ConfigMap" @"default" @"{{NAME}}"))
