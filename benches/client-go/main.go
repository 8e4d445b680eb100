// Command client-go measures client-go on the data and the tasks on which Windlass is measured; `benches/compare` runs
// it. What it does is its first argument:
//
//	client-go cache FILE         an informer with the Pods of FILE, JSON lines as the program `pods` writes them
//	client-go queue              100,000 requests through the work queue
//	client-go follow KUBECONFIG  an informer of config maps, until it is killed
//
// Figures are lines of a name, a value and a unit, with tabs between.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "client-go bench:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	switch {
	case len(arguments) == 2 && arguments[0] == "cache":
		return measureForms(arguments[1])
	case len(arguments) == 1 && arguments[0] == "queue":
		for range 5 {
			processor := processorTime()
			took := measureQueue(100_000, 64)
			figure("client-go", "queue.requests", took.Seconds(), "s")
			figure("client-go", "queue.cpu", (processorTime() - processor).Seconds(), "s")
		}
		return nil
	case len(arguments) == 2 && arguments[0] == "follow":
		return follow(arguments[1])
	}
	return fmt.Errorf("it takes `cache FILE`, `queue` or `follow KUBECONFIG`, and got %q", arguments)
}

func figure(side, name string, value float64, unit string) {
	fmt.Printf("%s/%s\t%g\t%s\n", side, name, value, unit)
}

// processorTime is that of the whole process: the collector's share is part of what a cache costs.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // The arguments are right, so it cannot fail.
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// live is what the heap holds once everything that is no longer needed is gone.
func live() uint64 {
	runtime.GC()
	debug.FreeOSMemory()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
