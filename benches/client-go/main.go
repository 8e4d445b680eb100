// Command client-go measures client-go on the data and the tasks on which Windlass is measured: the Pods come as JSON
// lines on standard input, one object a line, and the results go to standard output as one table.
//
//	cargo run --release --manifest-path benches/peers/Cargo.toml --bin pods -- 100000 | go run -C benches/client-go .
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "client-go bench:", err)
		os.Exit(1)
	}
}

func run() error {
	lines, size, err := readLines()
	if err != nil {
		return err
	}
	if len(lines) == 0 {
		return fmt.Errorf("no Pods on standard input: pipe the output of the `pods` program of benches/peers into this one")
	}
	fmt.Printf("client-go on %d Pods of %d bytes of JSON each, %s, GOMAXPROCS %d\n", len(lines), size/len(lines), runtime.Version(), runtime.GOMAXPROCS(0))
	row("100,000 requests through the work queue, 64 workers", measureQueue(100_000, 64))
	for _, form := range []form{untyped, typed} {
		if err := measureCache(form, lines, size); err != nil {
			return fmt.Errorf("%s: %w", form.name, err)
		}
	}
	return nil
}

func readLines() (lines [][]byte, size int, err error) {
	scanner := bufio.NewScanner(os.Stdin)
	scanner.Buffer(make([]byte, 1<<20), 16<<20)
	for scanner.Scan() {
		line := append([]byte(nil), scanner.Bytes()...)
		lines = append(lines, line)
		size += len(line)
	}
	return lines, size, scanner.Err()
}

func row(what string, value any) { fmt.Printf("%-62s %v\n", what, value) }

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
