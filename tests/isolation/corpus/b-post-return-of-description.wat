;; The same, when its description has been read.
;; each HOW: unreachable | (loop $on (br $on)) | (call $log @"line")
;; verdict: refused died while describing itself
(func $attack)
(func (export "cabi_post_windlass:controller/reconciler@0.1.0#describe") (param i32) {{HOW}})
