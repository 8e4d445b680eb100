;; It needs a part of WebAssembly that is switched off.
;; each WHAT: (memory $second 1) | (tag $e) (func (throw $e)) | (func (drop (i32.atomic.load (i32.const 0)))) | (func (drop (f32x4.relaxed_madd (v128.const i64x2 0 0) (v128.const i64x2 0 0) (v128.const i64x2 0 0)))) | (type $s (struct (field i32))) (func (drop (struct.new_default $s))) | (type $f (func)) (func (param (ref $f)) (call_ref $f (local.get 0))) | (func (param externref)) (type $a (array i8)) | (memory $wide i64 1)
;; verdict: refused
(func $attack)
{{WHAT}}
