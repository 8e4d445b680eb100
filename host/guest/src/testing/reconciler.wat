;; A guest without a language: all parts that a core module needs to become a component of the contract.
;; A test fills in what is between dollar signs and braces.
(module
  ${imports}
  (memory (export "memory") ${pages})
  (global $top (mut i32) (i32.const 98304))
  ;; Memory is only ever taken: an instance lives for one run.
  (func $realloc (export "cabi_realloc") (param $old i32) (param $old_bytes i32) (param $align i32) (param $bytes i32)
      (result i32)
    (local $at i32)
    ${realloc}
    (local.set $at (i32.and
      (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $top (i32.add (local.get $at) (local.get $bytes)))
    (if (i32.gt_u (global.get $top) (i32.mul (memory.size) (i32.const 65536)))
      (then (drop (memory.grow (i32.add (i32.shr_u (local.get $bytes) (i32.const 16)) (i32.const 1))))))
    (local.get $at))
  (func (export "windlass:controller/reconciler@0.1.0#describe") (result i32)
    ${describe}
    (i32.const ${description}))
  ;; The result is at 64 and zero: ok(done).
  (func $reconcile (export "windlass:controller/reconciler@0.1.0#reconcile")
      (param $controller i32) (param $controller_bytes i32)
      (param $has_namespace i32) (param $namespace i32) (param $namespace_bytes i32)
      (param $name i32) (param $name_bytes i32)
      (param $has_object i32) (param $object i32) (param $object_bytes i32)
      (param $failures i32) (param $remaining_ms f64)
      (result i32)
    ${locals}
    ${reconcile}
    (i32.const 64))
  ;; One list for one change, naming the object "b" of no namespace. The outer list's only entry is at 168.
  (func (export "windlass:controller/reconciler@0.1.0#targets") (param $changes i32) (param $count i32) (result i32)
    (i32.store (i32.const 136) (i32.const 168))
    (i32.store (i32.const 140) (local.get $count))
    (i32.store (i32.const 168) (i32.const 192))
    (i32.store (i32.const 172) (i32.const 1))
    (i32.store (i32.const 204) (i32.const 256))
    (i32.store (i32.const 208) (i32.const 1))
    (i32.const 128))
  ${more}
  (data (i32.const 256) "b")
  (data (i32.const 1024) "${image}"))
