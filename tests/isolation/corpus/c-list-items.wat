;; It lists more than one page may hold.
;; limits: listItems: 1
;; verdict: says allowed
;; reached: listItems
;; victims: 2
(func $attack (call $list @"v1" @"ConfigMap" @"default"))
