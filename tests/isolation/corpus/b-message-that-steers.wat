;; The text that it fails with would steer a terminal.
;; each TEXT: \1b[2J | \c2\9b31m | \e2\80\ae | a\0d\0ab | \00 | \7f
;; verdict: says \
(func $attack (call $say @"{{TEXT}}"))
