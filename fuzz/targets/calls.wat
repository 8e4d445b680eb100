;; Reads a program from the host's random bytes and makes the calls that stand in it, until it is used up.
;; Where bytes mean text, most of them choose a word of the dictionary, some say how many of the next bytes are text, and
;; a few are a place and a length as they come. Kinds, namespaces and names are mostly those that are there.
(module
  (import "windlass:controller/objects@0.1.0" "get"
    (func $get (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "windlass:controller/objects@0.1.0" "list" (func $list (param i32 i32)))
  (import "windlass:controller/objects@0.1.0" "create"
    (func $create (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "windlass:controller/objects@0.1.0" "update"
    (func $update (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "windlass:controller/objects@0.1.0" "patch" (func $patch (param i32 i32)))
  (import "windlass:controller/objects@0.1.0" "delete" (func $delete (param i32 i32)))
  (import "windlass:controller/events@0.1.0" "emit" (func $emit (param i32)))
  (import "windlass:controller/log@0.1.0" "write" (func $log (param i32 i32 i32 i32 i32)))
  (import "windlass:controller/metrics@0.1.0" "add" (func $add (param i32 i32 f64 i32 i32)))
  (import "windlass:controller/metrics@0.1.0" "set" (func $set (param i32 i32 f64 i32 i32)))
  (import "windlass:controller/metrics@0.1.0" "observe" (func $observe (param i32 i32 f64 i32 i32)))
  (import "windlass:controller/environment@0.1.0" "settings" (func $settings (param i32)))
  (import "windlass:controller/environment@0.1.0" "now-ms" (func $now (result f64)))
  (import "windlass:controller/environment@0.1.0" "random" (func $random (param i32 i32)))

  (memory (export "memory") 4)
  (global $top (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param $old i32) (param $old_bytes i32) (param $align i32) (param $bytes i32)
      (result i32)
    (local $at i32)
    (local.set $at (i32.and
      (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $top (i32.add (local.get $at) (local.get $bytes)))
    (if (i32.gt_u (global.get $top) (i32.mul (memory.size) (i32.const 65536)))
      (then (drop (memory.grow (i32.add (i32.shr_u (local.get $bytes) (i32.const 16)) (i32.const 1))))))
    (local.get $at))

  (global $at (mut i32) (i32.const 0))
  (global $end (mut i32) (i32.const 0))
  (func $byte (result i32)
    (if (i32.ge_u (global.get $at) (global.get $end)) (then (return (i32.const 0))))
    (global.set $at (i32.add (global.get $at) (i32.const 1)))
    (i32.load8_u (i32.sub (global.get $at) (i32.const 1))))
  (func $word (result i32)
    (i32.or (i32.or (call $byte) (i32.shl (call $byte) (i32.const 8)))
      (i32.or (i32.shl (call $byte) (i32.const 16)) (i32.shl (call $byte) (i32.const 24)))))
  (func $number (result f64) (f64.reinterpret_i64 (i64.or
    (i64.extend_i32_u (call $word)) (i64.shl (i64.extend_i32_u (call $word)) (i64.const 32)))))
  ;; A case of an enumeration, or a bool: now and then one that there is not.
  (func $case (param $cases i32) (result i32) (local $byte i32)
    (local.set $byte (call $byte))
    (if (result i32) (i32.ge_u (local.get $byte) (i32.const 252))
      (then (local.get $byte)) (else (i32.rem_u (local.get $byte) (local.get $cases)))))
  (func $flag (result i32) (call $case (i32.const 2)))
  ;; Place and length.
  (func $text (result i32 i32) (local $how i32)
    (local.set $how (call $byte))
    (if (i32.lt_u (local.get $how) (i32.const 200)) (then
      (local.set $how (i32.add (i32.const 4096)
        (i32.shl (i32.rem_u (local.get $how) (i32.const ${words})) (i32.const 3))))
      (return (i32.load (local.get $how)) (i32.load offset=4 (local.get $how)))))
    (if (i32.lt_u (local.get $how) (i32.const 250)) (then
      (local.set $how (i32.sub (local.get $how) (i32.const 200)))
      (global.set $at (i32.add (global.get $at) (local.get $how)))
      (return (i32.sub (global.get $at) (local.get $how)) (local.get $how))))
    (call $word) (call $word))
  ;; Mostly this word.
  (func $usually (param $word i32) (result i32 i32)
    (if (i32.lt_u (call $byte) (i32.const 150)) (then
      (local.set $word (i32.add (i32.const 4096) (i32.shl (local.get $word) (i32.const 3))))
      (return (i32.load (local.get $word)) (i32.load offset=4 (local.get $word)))))
    (call $text))
  (func $kind (result i32 i32 i32 i32) (call $usually (i32.const 0)) (call $usually (i32.const 1)))
  (func $namespace (result i32 i32 i32)
    (if (result i32 i32 i32) (i32.lt_u (call $byte) (i32.const 200))
      (then (i32.const 1) (call $usually (i32.const 2))) (else (call $option))))
  (func $name (result i32 i32) (call $usually (i32.const 3)))
  (func $none_mostly (result i32 i32 i32)
    (if (result i32 i32 i32) (i32.lt_u (call $byte) (i32.const 180))
      (then (i32.const 0) (i32.const 0) (i32.const 0)) (else (call $option))))
  (func $option (result i32 i32 i32)
    (if (result i32 i32 i32) (call $flag)
      (then (i32.const 1) (call $text)) (else (i32.const 0) (i32.const 0) (i32.const 0))))
  (func $put_text (param $to i32) (call $put2 (local.get $to) (call $text)))
  (func $put2 (param $to i32) (param i32 i32)
    (i32.store (local.get $to) (local.get 1)) (i32.store offset=4 (local.get $to) (local.get 2)))
  (func $put3 (param $to i32) (param i32 i32 i32)
    (i32.store8 (local.get $to) (local.get 1))
    (i32.store offset=4 (local.get $to) (local.get 2)) (i32.store offset=8 (local.get $to) (local.get 3)))
  (func $put_option (param $to i32) (call $put3 (local.get $to) (call $none_mostly)))
  (func $put_kind (param $to i32) (local i32 i32 i32 i32)
    (call $kind) (local.set 4) (local.set 3) (local.set 2) (local.set 1)
    (i32.store (local.get $to) (local.get 1)) (i32.store offset=4 (local.get $to) (local.get 2))
    (i32.store offset=8 (local.get $to) (local.get 3)) (i32.store offset=12 (local.get $to) (local.get 4)))
  (func $put_case (param $to i32) (param $cases i32) (i32.store8 (local.get $to) (call $case (local.get $cases))))
  ;; Kind, namespace and name: 36 bytes.
  (func $put_object (param $to i32)
    (call $put_kind (local.get $to))
    (call $put3 (i32.add (local.get $to) (i32.const 16)) (call $namespace))
    (call $put2 (i32.add (local.get $to) (i32.const 28)) (call $name)))
  ;; Pairs of texts at 24576: place and number.
  (func $pairs (result i32 i32) (local $count i32) (local $nth i32)
    (local.set $count (i32.and (call $byte) (i32.const 63)))
    (if (i32.eq (local.get $count) (i32.const 63)) (then (return (call $word) (call $word))))
    (if (i32.gt_u (local.get $count) (i32.const 40)) (then (local.set $count (i32.const 0))))
    (loop $on
      (if (i32.lt_u (local.get $nth) (local.get $count)) (then
        (call $put_text (i32.add (i32.const 24576) (i32.shl (local.get $nth) (i32.const 4))))
        (call $put_text (i32.add (i32.const 24584) (i32.shl (local.get $nth) (i32.const 4))))
        (local.set $nth (i32.add (local.get $nth) (i32.const 1)))
        (br $on))))
    (i32.const 24576) (local.get $count))

  (func $do_get
    (call $get (call $kind) (call $namespace) (call $name) (call $none_mostly)
      (call $flag) (call $flag) (call $flag) (i32.const 704)))
  (func $do_list
    (call $put_kind (i32.const 8192))
    (call $put3 (i32.const 8208) (call $namespace)) (call $put_option (i32.const 8220)) (call $put_option (i32.const 8232))
    (call $put_option (i32.const 8244))
    (call $put_case (i32.const 8256) (i32.const 2)) (call $put_text (i32.const 8260)) (call $put_text (i32.const 8268))
    (call $put_case (i32.const 8276) (i32.const 2)) (i32.store (i32.const 8280) (call $word))
    (call $put_option (i32.const 8284))
    (call $put_option (i32.const 8296))
    (call $put_case (i32.const 8308) (i32.const 2)) (call $put_case (i32.const 8309) (i32.const 2))
    (call $put_case (i32.const 8310) (i32.const 2))
    (call $list (i32.const 8192) (i32.const 704)))
  (func $do_patch
    (call $put_object (i32.const 8192)) (call $put_case (i32.const 8228) (i32.const 4))
    (call $put_text (i32.const 8232)) (call $put_option (i32.const 8240))
    (call $put_case (i32.const 8252) (i32.const 2)) (call $put_case (i32.const 8253) (i32.const 2))
    (call $patch (i32.const 8192) (i32.const 704)))
  (func $do_delete
    (call $put_object (i32.const 8192))
    (call $put_case (i32.const 8228) (i32.const 2)) (call $put_case (i32.const 8229) (i32.const 3))
    (call $put_option (i32.const 8232)) (call $put_option (i32.const 8244))
    (call $put_case (i32.const 8256) (i32.const 2)) (i32.store (i32.const 8260) (call $word))
    (call $put_case (i32.const 8264) (i32.const 2))
    (call $delete (i32.const 8192) (i32.const 704)))
  (func $do_emit
    (call $put_case (i32.const 8192) (i32.const 2))
    (call $put_object (i32.const 8196)) (call $put_option (i32.const 8232))
    (call $put_case (i32.const 8244) (i32.const 2))
    (call $put_object (i32.const 8248)) (call $put_option (i32.const 8284))
    (call $put_text (i32.const 8296)) (call $put_text (i32.const 8304)) (call $put_text (i32.const 8312))
    (call $emit (i32.const 8192)))
  (func $one (param $which i32)
    block block block block block block block block block block block block block block block
      (br_table 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 (local.get $which))
    end (call $do_get) return
    end (call $do_list) return
    end (call $create (call $kind) (call $namespace) (call $name) (call $text) (call $none_mostly)
      (call $flag) (call $flag) (i32.const 704)) return
    end (call $update (call $kind) (call $namespace) (call $name) (call $text) (call $none_mostly)
      (call $flag) (call $flag) (i32.const 704)) return
    end (call $do_patch) return
    end (call $do_delete) return
    end (call $do_emit) return
    end (call $log (call $case (i32.const 5)) (call $text) (call $pairs)) return
    end (call $add (call $text) (call $number) (call $pairs)) return
    end (call $set (call $text) (call $number) (call $pairs)) return
    end (call $observe (call $text) (call $number) (call $pairs)) return
    end (call $settings (i32.const 704)) return
    end (drop (call $now)) return
    end (call $random (call $word) (i32.const 704)) return
    end (drop (memory.grow (i32.and (call $word) (i32.const 0x7ff)))))

  ;; The result is what the last bytes of the program say: case, case, text, time.
  (func $result (result i32)
    (call $put_case (i32.const 64) (i32.const 2)) (call $put_case (i32.const 72) (i32.const 2))
    (if (call $flag)
      (then (f64.store (i32.const 80) (call $number)))
      (else (call $put_text (i32.const 80)) (call $put_case (i32.const 88) (i32.const 2))
        (f64.store (i32.const 96) (call $number))))
    (i32.const 64))
  (func $run
    (call $random (i32.const 2) (i32.const 704))
    (call $random (i32.load16_u (i32.load (i32.const 704))) (i32.const 704))
    (global.set $at (i32.load (i32.const 704)))
    (global.set $end (i32.add (global.get $at) (i32.load (i32.const 708))))
    (loop $on
      (if (i32.lt_u (global.get $at) (global.get $end)) (then
        (call $one (i32.rem_u (call $byte) (i32.const 15)))
        (br_if $on (i32.lt_u (i32.add (global.get $at) (i32.const 24)) (global.get $end)))))))
  (func (export "windlass:controller/reconciler@0.1.0#describe") (result i32) unreachable)
  (func (export "windlass:controller/reconciler@0.1.0#reconcile")
      (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 f64) (result i32)
    (call $run) (call $result))
  (func (export "windlass:controller/reconciler@0.1.0#targets") (param i32 i32) (result i32) unreachable)
  (data (i32.const 4096) "${dictionary}"))
