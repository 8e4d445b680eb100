;; It makes objects of ever new names.
;; limits: hostCalls: 20, cpuPerRun: 5s, deadline: 20s
;; verdict: trapped host-calls spec.limits.hostCalls is 20
;; told: hostCalls
(func $attack
  (loop $on
    (call $create @"v1" @"ConfigMap" @"default" @"" @"{\"metadata\":{\"generateName\":\"flood-\"}}") (br $on)))
