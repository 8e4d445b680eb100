;; Its start function does not end well, so not even its description can be asked.
;; each HOW: unreachable | (loop $on (br $on)) | (drop (memory.grow (i32.const 4096))) unreachable | (call $deeper)
;; verdict: refused died while describing itself
(func $attack)
(func $deeper (call $deeper))
(func $begin {{HOW}})
(start $begin)
