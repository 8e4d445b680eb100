;; A kind that nobody serves.
;; each KIND: @"v9" @"ConfigMap" | @"example.com/v1" @"Nothing" | @"windlass.dev/v1alpha1" @"Module"
;; verdict: says NotFound
(func $attack (call $get {{KIND}} @"default" @"a"))
