;; Its types are nested deeper, or are of more parts, than anybody counts.
;; each WHAT: (type (list u8)) {{10000 * (type (list {n}))}} | (type (option u8)) {{10000 * (type (option {n}))}} | (type (tuple u8 u8)) {{60 * (type (tuple {n} {n} {n} {n}))}} | (type (record {{20000 * (field "f{n}" u8) }})) | (type (variant {{20000 * (case "c{n}") }})) | (type (flags {{33 * "f{n}" }})) | (type (enum {{70000 * "e{n}" }}))
;; verdict: refused
(component
  {{WHAT}}
  (instance $i) (export "windlass:controller/reconciler@0.1.0" (instance $i)))
