;; The host asks it for memory for a list, and it gives a place that lies askew.
;; verdict: trapped fault
(func $attack (call $list @"v1" @"ConfigMap" @"default"))
;; part realloc
(return (i32.const 131073))
