;; It takes memory until there is none: page by page, or all that can be addressed at once.
;; each PAGES: 1 | 16 | 1000 | 65535 | -1
;; verdict: trapped memory spec.limits.memory is 4Mi
;; told: memory
(func $attack
  (loop $on (br_if $on (i32.ge_s (memory.grow (i32.const {{PAGES}})) (i32.const 0))))
  unreachable)
