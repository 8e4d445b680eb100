;; It asks for too much again and again, and lives with the answer.
;; verdict: done
;; reached: memory
(func $attack
  (loop $on (drop (memory.grow (i32.const 1000))) (br_if $on (call $below (i32.const 1000)))))
