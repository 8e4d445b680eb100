;; A section that nobody reads is as large as it likes, or has a name that steers a terminal.
;; each WHAT: "x" "{{100000 * 0123456789}}" | "\1b[2J" "\1b[2J" | "{{20000 * n}}" ""
;; verdict: any
(func $attack)
(@custom {{WHAT}})
