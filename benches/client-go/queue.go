package main

import (
	"strconv"
	"sync"
	"time"

	"k8s.io/client-go/util/workqueue"
)

// measureQueue puts requests in and lets workers take them out, with nothing to do for any.
func measureQueue(requests, workers int) time.Duration {
	queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[string]())
	names := make([]string, requests)
	for i := range names {
		names[i] = "default/request-" + strconv.Itoa(i)
	}
	begin := time.Now()
	var done sync.WaitGroup
	for range workers {
		done.Go(func() {
			for {
				name, shutdown := queue.Get()
				if shutdown {
					return
				}
				queue.Forget(name)
				queue.Done(name)
			}
		})
	}
	for _, name := range names {
		queue.Add(name)
	}
	queue.ShutDown()
	done.Wait()
	return time.Since(begin)
}
