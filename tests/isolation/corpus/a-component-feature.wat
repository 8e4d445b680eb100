;; It needs a part of the component model that is switched off.
;; each WHAT: (type (future u8)) | (type (stream u8)) | (type (func async)) | (core func (canon task.cancel)) | (core func (canon backpressure.inc)) | (core func (canon waitable-set.new)) | (core func (canon subtask.drop)) | (core func (canon thread.index)) | (core func (canon context.get i32 0)) | (type (map string u8)) | (type (list u8 4))
;; verdict: refused
(component
  {{WHAT}}
  (instance $i) (export "windlass:controller/reconciler@0.1.0" (instance $i)))
