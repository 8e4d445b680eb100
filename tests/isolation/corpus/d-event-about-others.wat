;; It tells Events about what it may not read, or with no reason.
;; each EVENT: @"other" @"a" @"Reason" @"x" | @"kube-system" @"a" @"Reason" @"x" | @"default" @"a" @"no reason" @"x" | @"default" @"a" @"\1b[2J" @"x" | @"default" @"../x" @"Reason" @"x"
;; verdict: done
(func $attack (call $emit {{EVENT}}))
