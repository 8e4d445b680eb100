;; It hands over text that is none.
;; each TEXT: \ff\fe | \c3 | \c0\80 | \ed\a0\80 | \f4\90\80\80 | \80 | a\f0\9f\92
;; verdict: trapped fault utf-8
(func $attack (call $log @"{{TEXT}}"))
