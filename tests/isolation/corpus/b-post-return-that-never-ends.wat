;; When the host has read its result, it goes on for ever.
;; verdict: trapped cpu spec.limits.cpuPerRun
(func $attack)
(func (export "cabi_post_windlass:controller/reconciler@0.1.0#reconcile") (param i32) (loop $on (br $on)))
