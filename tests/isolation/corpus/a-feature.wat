;; It needs a part of WebAssembly that is switched off, in a core module of its component.
;; each WHAT: (memory 1 1 shared) | (memory i64 1) | (table i64 1 funcref) | (memory 1) (memory 1) | (memory 1) (func (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))) | (memory 1) (func (drop (memory.atomic.notify (i32.const 0) (i32.const 1)))) | (func atomic.fence) | (type (struct)) | (type (array i8)) | (rec (type (func)) (type (func (param (ref 0))))) | (func (param anyref)) | (func (param exnref)) | (func (param (ref extern))) | (tag) | (func try_table end) | (func (drop (ref.i31 (i32.const 1)))) | (type $f (func)) (type $c (cont $f)) | (func (drop (i64.add128 (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0)) (drop))) | (memory 1 (pagesize 1)) | (func (drop (i8x16.relaxed_swizzle (v128.const i64x2 0 0) (v128.const i64x2 0 0)))) | (global (mut externref) (ref.null extern)) (type (struct (field externref)))
;; verdict: refused
(component
  (core module {{WHAT}})
  (instance $i) (export "windlass:controller/reconciler@0.1.0" (instance $i)))
