;; It wants more random bytes than a run may have.
;; each BYTES: 65537 | 2147483647 | -1
;; verdict: trapped host-calls spec.limits.randomBytes is 64Ki
;; told: randomBytes
(func $attack (call $random (i32.const {{BYTES}}) (i32.const 704)))
