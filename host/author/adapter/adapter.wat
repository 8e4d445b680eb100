;; Stands in for `wasi_snapshot_preview1` in a module's component, so that the host links no WASI.
;;
;; A language's runtime (Rust's std, Go, wasi-libc) asks for the functions of preview 1. What they reach here:
;;
;;   fd_write 1, 2     log.write, one call per line: standard output at `info`, standard error at `warn`
;;                     (a line without an end waits for one, and is lost if the run ends first)
;;   random_get        environment.random
;;   clock, real time  environment.now-ms
;;   clock, monotonic  a virtual clock: one microsecond on per reading; a sleep moves it and returns at once
;;   proc_exit         writes out what is buffered, then traps
;;   all else          is refused: EBADF (8) for file descriptors, ENOSYS (52) for the rest
;;
;; Rules that wit-component and the component model set:
;;   - no data segments, no stack, no memory of its own: state lives in globals, scratch in the module's heap;
;;   - while the module is inside its `cabi_realloc`, no import may be called. A runtime that may come here
;;     from there (Go's collector does) says so by `adapter_monotonic_clock_set_paused`: then output stays in
;;     the buffer, the clock gives its last answer, and random bytes come from the start-up generator.
(module
  (import "env" "memory" (memory 0))
  (import "__main_module__" "cabi_realloc" (func $allocate (param i32 i32 i32 i32) (result i32)))
  (import "windlass:controller/log@0.1.0" "write"
    (func $log_write (param $level i32) (param $text i32) (param $length i32) (param $fields i32) (param $count i32)))
  (import "windlass:controller/environment@0.1.0" "random" (func $random (param $bytes i32) (param $result i32)))
  (import "windlass:controller/environment@0.1.0" "now-ms" (func $now_ms (result f64)))

  ;; The scratch block: 16 bytes for results of imports, then the line being collected (4080 bytes).
  (global $scratch (mut i32) (i32.const 0))
  ;; 0: there is no scratch block yet. 1: it is being allocated just now. 2: it is there.
  (global $scratch_state (mut i32) (i32.const 0))
  (global $line_length (mut i32) (i32.const 0))
  ;; The level of the line being collected, as log.level counts: 2 info, 3 warn.
  (global $line_level (mut i32) (i32.const 2))
  ;; 1 while no import may be called.
  (global $imports_closed (mut i32) (i32.const 0))
  ;; Where the next list that an import returns is to be written.
  (global $list_target (mut i32) (i32.const 0))
  ;; Nanoseconds: the virtual monotonic clock, and real time as last answered.
  (global $monotonic (mut i64) (i64.const 1000000000))
  (global $real (mut i64) (i64.const 0))
  ;; The start-up generator's state. A runtime that seeds itself before it can take host calls (Go) gets its
  ;; first random bytes from here; `componentize` sets the flag to 1 for all others.
  (global $generator (mut i64) (i64.const 0x5851F42D4C957F2D))
  (global $started (mut i32) (i32.const 0))

  ;; Lists that an import returns go straight to where the caller wants them.
  (func (export "cabi_import_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $list_target))

  (func (export "adapter_monotonic_clock_set_paused") (param $paused i32)
    (global.set $imports_closed (local.get $paused)))

  ;; Allocates the scratch block. Runs at every entry point that a runtime calls early, and keeps the flag as
  ;; it found it, because the module's `cabi_realloc` may set and clear it.
  (func $prepare (local $closed i32)
    (if (i32.eqz (global.get $scratch_state))
      (then
        (global.set $scratch_state (i32.const 1))
        (local.set $closed (global.get $imports_closed))
        (global.set $scratch
          (call $allocate (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 4096)))
        (global.set $imports_closed (local.get $closed))
        (global.set $scratch_state (i32.const 2)))))

  ;; ---- Output ------------------------------------------------------------------------------------------

  ;; How many bytes the UTF-8 sequence at $at has, 0 if it is none. The host refuses text that is not UTF-8.
  (func $sequence (param $at i32) (param $end i32) (result i32)
    (local $first i32) (local $second i32) (local $length i32) (local $index i32)
    (local.set $first (i32.load8_u (local.get $at)))
    (if (i32.lt_u (local.get $first) (i32.const 0x80)) (then (return (i32.const 1))))
    ;; C2..DF, E0..EF, F0..F4 begin sequences of two, three and four bytes.
    (if (i32.or (i32.lt_u (local.get $first) (i32.const 0xC2)) (i32.gt_u (local.get $first) (i32.const 0xF4)))
      (then (return (i32.const 0))))
    (local.set $length
      (i32.add (i32.const 2)
        (i32.add (i32.ge_u (local.get $first) (i32.const 0xE0)) (i32.ge_u (local.get $first) (i32.const 0xF0)))))
    (if (i32.gt_u (i32.add (local.get $at) (local.get $length)) (local.get $end)) (then (return (i32.const 0))))
    ;; Overlong forms, surrogates and numbers over U+10FFFF are told by the second byte.
    (local.set $second (i32.load8_u offset=1 (local.get $at)))
    (if (i32.and (i32.eq (local.get $first) (i32.const 0xE0)) (i32.lt_u (local.get $second) (i32.const 0xA0)))
      (then (return (i32.const 0))))
    (if (i32.and (i32.eq (local.get $first) (i32.const 0xED)) (i32.gt_u (local.get $second) (i32.const 0x9F)))
      (then (return (i32.const 0))))
    (if (i32.and (i32.eq (local.get $first) (i32.const 0xF0)) (i32.lt_u (local.get $second) (i32.const 0x90)))
      (then (return (i32.const 0))))
    (if (i32.and (i32.eq (local.get $first) (i32.const 0xF4)) (i32.gt_u (local.get $second) (i32.const 0x8F)))
      (then (return (i32.const 0))))
    (local.set $index (i32.const 1))
    (loop $rest
      (if (i32.ne
            (i32.and (i32.load8_u (i32.add (local.get $at) (local.get $index))) (i32.const 0xC0))
            (i32.const 0x80))
        (then (return (i32.const 0))))
      (local.set $index (i32.add (local.get $index) (i32.const 1)))
      (br_if $rest (i32.lt_u (local.get $index) (local.get $length))))
    (local.get $length))

  ;; Puts `?` in the place of every byte that is not part of UTF-8.
  (func $make_text (param $at i32) (param $end i32) (local $length i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $length (call $sequence (local.get $at) (local.get $end)))
        (if (i32.eqz (local.get $length))
          (then
            (i32.store8 (local.get $at) (i32.const 0x3F))
            (local.set $length (i32.const 1))))
        (local.set $at (i32.add (local.get $at) (local.get $length)))
        (br $next))))

  ;; Hands the collected line to the log, unless it is empty or imports are closed.
  (func $end_line (local $text i32) (local $length i32)
    (local.set $length (global.get $line_length))
    (if (i32.or (i32.eqz (local.get $length)) (global.get $imports_closed)) (then (return)))
    (local.set $text (i32.add (global.get $scratch) (i32.const 16)))
    (call $make_text (local.get $text) (i32.add (local.get $text) (local.get $length)))
    (global.set $line_length (i32.const 0))
    (call $log_write (global.get $line_level) (local.get $text) (local.get $length) (i32.const 0) (i32.const 0)))

  ;; Takes one byte of output. A line that does not fit is broken; while imports are closed the surplus is lost.
  (func $put (param $byte i32)
    (if (i32.eq (local.get $byte) (i32.const 10)) (then (call $end_line) (return)))
    (if (i32.ge_u (global.get $line_length) (i32.const 4080)) (then (call $end_line)))
    (if (i32.ge_u (global.get $line_length) (i32.const 4080)) (then (return)))
    (i32.store8 offset=16 (i32.add (global.get $scratch) (global.get $line_length)) (local.get $byte))
    (global.set $line_length (i32.add (global.get $line_length) (i32.const 1))))

  (func (export "fd_write")
    (param $fd i32) (param $vectors i32) (param $count i32) (param $written i32) (result i32)
    (local $at i32) (local $end i32) (local $total i32)
    (if (i32.and (i32.ne (local.get $fd) (i32.const 1)) (i32.ne (local.get $fd) (i32.const 2)))
      (then (return (i32.const 8))))
    (call $prepare)
    ;; Called again by the allocation of the scratch block: there is no place for this output.
    (if (i32.ne (global.get $scratch_state) (i32.const 2)) (then (return (i32.const 52))))
    (if (i32.ne (global.get $line_level) (i32.add (local.get $fd) (i32.const 1)))
      (then
        (call $end_line)
        (global.set $line_level (i32.add (local.get $fd) (i32.const 1)))))
    (block $no_more
      (loop $vector
        (br_if $no_more (i32.eqz (local.get $count)))
        (local.set $at (i32.load (local.get $vectors)))
        (local.set $end (i32.add (local.get $at) (i32.load offset=4 (local.get $vectors))))
        (local.set $total (i32.add (local.get $total) (i32.load offset=4 (local.get $vectors))))
        (block $end_of_vector
          (loop $byte
            (br_if $end_of_vector (i32.ge_u (local.get $at) (local.get $end)))
            (call $put (i32.load8_u (local.get $at)))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br $byte)))
        (local.set $vectors (i32.add (local.get $vectors) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $vector)))
    (i32.store (local.get $written) (local.get $total))
    (i32.const 0))

  ;; Standard input, output and error are character devices, so that C libraries write line by line.
  (func (export "fd_fdstat_get") (param $fd i32) (param $status i32) (result i32)
    (if (i32.gt_u (local.get $fd) (i32.const 2)) (then (return (i32.const 8))))
    (i64.store (local.get $status) (i64.const 2))
    (i64.store offset=8 (local.get $status) (i64.const 64))     ;; the right to write, no other
    (i64.store offset=16 (local.get $status) (i64.const 0))
    (i32.const 0))

  (func (export "proc_exit") (param $code i32) (call $end_line) (unreachable))
  (func (export "proc_raise") (param $signal i32) (result i32) (call $end_line) (unreachable))
  (func (export "sched_yield") (result i32) (i32.const 0))

  ;; ---- Randomness --------------------------------------------------------------------------------------

  ;; Fills from the start-up generator (Knuth's multiplier, the high bits of the state).
  (func $fill_from_generator (param $at i32) (param $end i32)
    (block $done
      (loop $byte
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (global.set $generator
          (i64.add (i64.mul (global.get $generator) (i64.const 6364136223846793005)) (i64.const 1)))
        (i32.store8 (local.get $at) (i32.wrap_i64 (i64.shr_u (global.get $generator) (i64.const 56))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $byte))))

  ;; Fills from the host, at most 1024 bytes a call. A host that gives nothing, or more than asked, ends the run.
  (func $fill_from_host (param $at i32) (param $end i32) (local $left i32) (local $given i32)
    (block $done
      (loop $piece
        (local.set $left (i32.sub (local.get $end) (local.get $at)))
        (br_if $done (i32.eqz (local.get $left)))
        (if (i32.gt_u (local.get $left) (i32.const 1024)) (then (local.set $left (i32.const 1024))))
        (global.set $list_target (local.get $at))
        (call $random (local.get $left) (global.get $scratch))
        (local.set $given (i32.load offset=4 (global.get $scratch)))
        (if (i32.or (i32.eqz (local.get $given)) (i32.gt_u (local.get $given) (local.get $left)))
          (then (unreachable)))
        (local.set $at (i32.add (local.get $at) (local.get $given)))
        (br $piece))))

  (func (export "random_get") (param $at i32) (param $length i32) (result i32) (local $end i32)
    (call $prepare)
    (local.set $end (i32.add (local.get $at) (local.get $length)))
    (if (i32.and
          (global.get $started)
          (i32.and (i32.eqz (global.get $imports_closed)) (i32.eq (global.get $scratch_state) (i32.const 2))))
      (then (call $fill_from_host (local.get $at) (local.get $end)))
      (else
        (global.set $started (i32.const 1))
        (call $fill_from_generator (local.get $at) (local.get $end))))
    (i32.const 0))

  ;; ---- Time --------------------------------------------------------------------------------------------

  ;; Real time in nanoseconds. Whole milliseconds and their fraction are converted apart: an f64 holds the
  ;; milliseconds since 1970 to a quarter of a microsecond, and a product of the whole would lose that.
  (func $read_real (result i64) (local $now f64) (local $whole f64)
    (if (i32.eqz (global.get $imports_closed))
      (then
        (local.set $now (call $now_ms))
        (local.set $whole (f64.floor (local.get $now)))
        (global.set $real
          (i64.add
            (i64.mul (i64.trunc_sat_f64_s (local.get $whole)) (i64.const 1000000))
            (i64.trunc_sat_f64_s
              (f64.mul (f64.sub (local.get $now) (local.get $whole)) (f64.const 1000000)))))))
    (global.get $real))

  ;; Moves the monotonic clock on; a sum that does not fit stays at the end of time.
  (func $advance (param $by i64) (local $sum i64)
    (local.set $sum (i64.add (global.get $monotonic) (local.get $by)))
    (if (i64.lt_u (local.get $sum) (local.get $by)) (then (local.set $sum (i64.const -1))))
    (if (i64.lt_s (local.get $sum) (i64.const 0)) (then (local.set $sum (i64.const 0x7FFFFFFFFFFFFFFF))))
    (global.set $monotonic (local.get $sum)))

  (func (export "clock_res_get") (param $clock i32) (param $result i32) (result i32)
    (i64.store (local.get $result) (i64.const 1000))
    (i32.const 0))

  (func (export "clock_time_get") (param $clock i32) (param $precision i64) (param $result i32) (result i32)
    (call $prepare)
    (if (i32.eqz (local.get $clock))
      (then (i64.store (local.get $result) (call $read_real)))
      (else
        (call $advance (i64.const 1000))
        (i64.store (local.get $result) (global.get $monotonic))))
    (i32.const 0))

  ;; How long the clock subscription at $at wants to wait, in nanoseconds.
  (func $wait_of (param $at i32) (result i64) (local $until i64) (local $now i64)
    (local.set $until (i64.load offset=24 (local.get $at)))
    ;; Bit 0 of the flags: a point in time, not a length.
    (if (i32.eqz (i32.and (i32.load16_u offset=40 (local.get $at)) (i32.const 1)))
      (then (return (local.get $until))))
    (local.set $now
      (if (result i64) (i32.eqz (i32.load offset=16 (local.get $at)))
        (then (call $read_real))
        (else (global.get $monotonic))))
    (if (i64.le_u (local.get $until) (local.get $now)) (then (return (i64.const 0))))
    (i64.sub (local.get $until) (local.get $now)))

  ;; Answers the first clock subscription at once; without one, nothing ever happens, and that is answered.
  (func (export "poll_oneoff")
    (param $subscriptions i32) (param $events i32) (param $count i32) (param $happened i32) (result i32)
    (i32.store (local.get $happened) (i32.const 0))
    (block $done
      (loop $subscription
        (br_if $done (i32.eqz (local.get $count)))
        (if (i32.eqz (i32.load8_u offset=8 (local.get $subscriptions)))
          (then
            (call $advance (call $wait_of (local.get $subscriptions)))
            (i64.store (local.get $events) (i64.load (local.get $subscriptions)))   ;; the caller's mark
            (i64.store offset=8 (local.get $events) (i64.const 0))                  ;; no error, a clock
            (i64.store offset=16 (local.get $events) (i64.const 0))
            (i64.store offset=24 (local.get $events) (i64.const 0))
            (i32.store (local.get $happened) (i32.const 1))
            (return (i32.const 0))))
        (local.set $subscriptions (i32.add (local.get $subscriptions) (i32.const 48)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $subscription)))
    (i32.const 0))

  ;; ---- Arguments and environment: there are none ---------------------------------------------------------

  (func $none (param $count i32) (param $bytes i32) (result i32)
    (call $prepare)
    (i32.store (local.get $count) (i32.const 0))
    (i32.store (local.get $bytes) (i32.const 0))
    (i32.const 0))
  (export "args_sizes_get" (func $none))
  (export "environ_sizes_get" (func $none))
  (func $nothing (param i32 i32) (result i32) (i32.const 0))
  (export "args_get" (func $nothing))
  (export "environ_get" (func $nothing))

  ;; ---- Refused -----------------------------------------------------------------------------------------

  ;; No such file descriptor.
  (func (export "fd_close") (param i32) (result i32) (i32.const 8))
  (func (export "fd_fdstat_set_flags") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_filestat_get") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_pread") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_prestat_get") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_prestat_dir_name") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_pwrite") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_read") (param i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_readdir") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_seek") (param i32 i64 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_tell") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_sync") (param i32) (result i32) (i32.const 8))
  (func (export "fd_datasync") (param i32) (result i32) (i32.const 8))
  ;; No such function.
  (func (export "fd_advise") (param i32 i64 i64 i32) (result i32) (i32.const 52))
  (func (export "fd_allocate") (param i32 i64 i64) (result i32) (i32.const 52))
  (func (export "fd_fdstat_set_rights") (param i32 i64 i64) (result i32) (i32.const 52))
  (func (export "fd_filestat_set_size") (param i32 i64) (result i32) (i32.const 52))
  (func (export "fd_filestat_set_times") (param i32 i64 i64 i32) (result i32) (i32.const 52))
  (func (export "fd_renumber") (param i32 i32) (result i32) (i32.const 52))
  (func (export "path_create_directory") (param i32 i32 i32) (result i32) (i32.const 52))
  (func (export "path_filestat_get") (param i32 i32 i32 i32 i32) (result i32) (i32.const 52))
  (func (export "path_filestat_set_times") (param i32 i32 i32 i32 i64 i64 i32) (result i32) (i32.const 52))
  (func (export "path_link") (param i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 52))
  (func (export "path_open") (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32) (i32.const 52))
  (func (export "path_readlink") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 52))
  (func (export "path_remove_directory") (param i32 i32 i32) (result i32) (i32.const 52))
  (func (export "path_rename") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 52))
  (func (export "path_symlink") (param i32 i32 i32 i32 i32) (result i32) (i32.const 52))
  (func (export "path_unlink_file") (param i32 i32 i32) (result i32) (i32.const 52))
  (func (export "sock_accept") (param i32 i32 i32) (result i32) (i32.const 52))
  (func (export "sock_recv") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 52))
  (func (export "sock_send") (param i32 i32 i32 i32 i32) (result i32) (i32.const 52))
  (func (export "sock_shutdown") (param i32 i32) (result i32) (i32.const 52))
)
