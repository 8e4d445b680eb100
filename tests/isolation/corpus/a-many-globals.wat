;; Each instance of it would have to hold more globals than the host has room for.
;; verdict: refused
(func $attack)
{{90000 * (global i64 (i64.const 1))}}
