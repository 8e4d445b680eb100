;; It deletes the object that it reconciles and makes it anew, so that there is always a new one to reconcile.
;; limits: cpuPerRun: 1s
;; verdict: any
(func $attack
  (call $delete @"v1" @"ConfigMap" @"default" @"victim-e-deletes-itself")
  (call $create @"v1" @"ConfigMap" @"default" @"victim-e-deletes-itself" @"{\"metadata\":{\"name\":\"victim-e-deletes-itself\",\"labels\":{\"attack\":\"e-deletes-itself\"}}}"))
