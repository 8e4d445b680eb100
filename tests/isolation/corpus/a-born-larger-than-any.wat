;; Its memory is larger than any module may have.
;; pages: 65536
;; verdict: refused bytes of memory and at most
(func $attack)
