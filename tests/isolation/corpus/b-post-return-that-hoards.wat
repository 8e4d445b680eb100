;; When the host has read its result, it takes what memory there is.
;; verdict: done
;; reached: memory
(func $attack)
(func (export "cabi_post_windlass:controller/reconciler@0.1.0#reconcile") (param i32)
  (loop $on (br_if $on (i32.ge_s (memory.grow (i32.const 1)) (i32.const 0)))))
