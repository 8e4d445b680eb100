;; It fills every byte that it may have.
;; verdict: done
(func $attack
  (loop $on (br_if $on (i32.ge_s (memory.grow (i32.const 1)) (i32.const 0))))
  (memory.fill (i32.const 131072) (i32.const 255) (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 131072))))
