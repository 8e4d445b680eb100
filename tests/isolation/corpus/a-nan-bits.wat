;; It looks for bits of the machine in what comes of no number.
;; each NAN: (f64.div (f64.const 0) (f64.const 0)) | (f64.sqrt (f64.const -1)) | (f64.add (f64.const nan:0x8000000000123) (f64.const 1)) | (f64.promote_f32 (f32.demote_f64 (f64.const nan:0x8000000000123)))
;; verdict: says canonical
(func $attack
  (if (i64.eq (i64.and (i64.reinterpret_f64 {{NAN}}) (i64.const 0x7fffffffffffffff)) (i64.const 0x7ff8000000000000))
    (then (call $say @"canonical")) (else (call $say @"bits of the machine"))))
