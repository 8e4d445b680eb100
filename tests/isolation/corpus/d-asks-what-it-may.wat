;; It asks the server who may do what, or who somebody is: answers that its own grant does not give.
;; each WHAT: @"authorization.k8s.io/v1" @"SelfSubjectAccessReview" @"" | @"authorization.k8s.io/v1" @"SelfSubjectRulesReview" @"" | @"authorization.k8s.io/v1" @"SubjectAccessReview" @"" | @"authorization.k8s.io/v1" @"LocalSubjectAccessReview" @"default" | @"authentication.k8s.io/v1" @"TokenReview" @"" | @"authentication.k8s.io/v1" @"SelfSubjectReview" @""
;; verdict: says Not
(func $attack (call $create {{WHAT}} @"x" @"{\"metadata\":{\"name\":\"x\"},\"spec\":{}}"))
