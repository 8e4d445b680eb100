;; The functions on its stack have names that would steer a terminal.
;; each NAME: \1b[2J | \c2\9b31m | \e2\80\ae | a\0d\0ab | \00
;; verdict: trapped fault unreachable
(func $attack (call $odd))
(func $odd (@name "{{NAME}}") unreachable)
