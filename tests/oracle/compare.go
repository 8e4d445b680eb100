package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

type settings struct {
	ours    string
	seed    uint64
	count   int
	shown   int
	tries   int
	forever bool
	into    string
}

// ours is our program: a case a line in, an answer a line out.
type ours struct {
	command *exec.Cmd
	in      *bufio.Writer
	out     *bufio.Reader
}

func start(program, subject string) *ours {
	command := exec.Command(program, subject)
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		fail(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		fail(err)
	}
	if err := command.Start(); err != nil {
		fail(err)
	}
	return &ours{command, bufio.NewWriterSize(in, 1<<16), bufio.NewReaderSize(out, 1<<20)}
}

func (o *ours) ask(cases [][]byte) []string {
	written := make(chan struct{})
	go func() {
		for _, each := range cases {
			_, _ = o.in.Write(each)
			_ = o.in.WriteByte('\n')
		}
		_ = o.in.Flush()
		close(written)
	}()
	answers := make([]string, len(cases))
	for at := range cases {
		line, err := o.out.ReadBytes('\n')
		if err != nil {
			fail("our program ended at the case ", string(cases[at]))
		}
		answer, err := read(line)
		if err != nil {
			fail("our program answers ", string(line))
		}
		answers[at] = text(answer)
	}
	<-written
	return answers
}

const atOnce = 200

const (
	panics    = `"panics"`
	malformed = `"malformed"`
)

func compare(wanted []subject, settings settings) {
	different := false
	fmt.Println("subject | seed | cases | differences")
	for seed := settings.seed; ; seed++ {
		for _, each := range wanted {
			count := settings.count
			if count == 0 {
				count = each.count
			}
			differences := each.compared(settings, seed, count)
			different = different || differences > 0
			fmt.Printf("%s | %d | %d | %d\n", each.name, seed, count, differences)
		}
		if !settings.forever {
			break
		}
	}
	if different {
		os.Exit(1)
	}
}

func (s subject) compared(settings settings, seed uint64, count int) int {
	ours := start(settings.ours, s.name)
	differences := 0
	for begin := 0; begin < count; begin += atOnce {
		var cases []any
		var lines [][]byte
		for number := begin; number < min(begin+atOnce, count); number++ {
			given := s.generated(seed, uint64(number))
			cases = append(cases, given)
			lines = append(lines, []byte(text(given)))
		}
		theirs := make(chan []string)
		go func() {
			var answers []string
			for _, given := range cases {
				answers = append(answers, s.answered(given))
			}
			theirs <- answers
		}()
		mine := ours.ask(lines)
		for at, real := range <-theirs {
			if mine[at] != real && !s.unstable(cases[at], mine[at], real) {
				differences++
				if differences <= settings.shown {
					s.show(ours, settings, cases[at], begin+at)
				}
			}
		}
	}
	_ = ours.command.Process.Kill()
	_ = ours.command.Wait()
	return differences
}

// unstable tells whether the real library panics, or its answer depends on the order in which Go walks a map.
func (s subject) unstable(given any, mine, real string) bool {
	if real == panics || real == malformed {
		return true
	}
	for range 12 {
		if s.answered(given) != real {
			return true
		}
	}
	return false
}

// show tells a difference by the smallest case that was found for it.
func (s subject) show(ours *ours, settings settings, given any, number int) {
	both := func(candidate any) (string, string) {
		return s.answered(candidate), ours.ask([][]byte{[]byte(text(candidate))})[0]
	}
	small := shrunk(given, settings.tries, func(candidate any) bool {
		real, mine := both(candidate)
		return real != mine && real != malformed && mine != malformed && !s.unstable(candidate, mine, real)
	})
	real, mine := both(small)
	from := max(common(real, mine)-60, 0)
	fmt.Printf("--- %s %d\ncase %s\nreal %s\nours %s\n", s.name, number, text(small), real, mine)
	if from > 100 {
		fmt.Printf("from %s\n ours %s\n", real[from:min(len(real), from+300)], mine[from:min(len(mine), from+300)])
	}
}

func common(left, right string) int {
	at := 0
	for at < min(len(left), len(right)) && left[at] == right[at] {
		at++
	}
	return at
}

// record keeps cases and the real answers for a test without Go: one gzip file, a case and an answer a line.
func record(wanted []subject, settings settings) {
	for _, each := range wanted {
		var out bytes.Buffer
		zipped, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
		if err != nil {
			fail(err)
		}
		for number := range each.recorded {
			given := each.generated(settings.seed, uint64(number))
			if answer := each.answered(given); !each.unstable(given, "", answer) {
				_, _ = io.WriteString(zipped, text(given)+"\n"+answer+"\n")
			}
		}
		_ = zipped.Close()
		path := filepath.Join(settings.into, each.name+".gz")
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			fail(err)
		}
		fmt.Printf("%s: %d cases, %d bytes\n", path, each.recorded, out.Len())
	}
}
