;; What it does when the host has read its result ends badly, or calls the host, which nobody may then.
;; each HOW: unreachable | (call $log @"line") | (call $random (i32.const 1) (i32.const 704)) | (call $get @"v1" @"ConfigMap" @"default" @"a") | (drop (i32.load (i32.const -4))) | (call $deep) | (drop (call $now))
;; verdict: trapped
(func $attack)
(func $deep (call $deep) (call $deep))
(func (export "cabi_post_windlass:controller/reconciler@0.1.0#reconcile") (param i32) {{HOW}})
