;; It has more linear memories than a run may, in core modules of their own.
;; beside: memory
;; limits: memories: 1
;; verdict: refused spec.limits.memories is 1
;; told: memories
(func $attack)
