;; It exports nothing.
;; verdict: refused this component is no controller
(component)
