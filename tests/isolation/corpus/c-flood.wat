;; It makes the same call without end.
;; each CALL: (call $get @"v1" @"ConfigMap" @"default" @"none") | (call $list @"v1" @"ConfigMap" @"default") | (call $patch @"v1" @"ConfigMap" @"default" @"none" @"{}") | (call $create @"v1" @"ConfigMap" @"default" @"x" @"[]") | (call $delete @"v1" @"ConfigMap" @"default" @"none") | (call $random (i32.const 1) (i32.const 704)) | (call $emit @"default" @"none" @"Flood" @"x") | (call $get @"v1" @"Secret" @"default" @"token")
;; limits: hostCalls: 30, cpuPerRun: 5s, deadline: 20s, memory: 128Mi
;; verdict: trapped host-calls spec.limits.hostCalls is 30
;; told: hostCalls
(func $attack (loop $on {{CALL}} (br $on)))
