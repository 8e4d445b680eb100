// The oracle answers generated cases by the real libraries of Kubernetes and compares with what ours answers.
//
//	oracle compare --ours PROGRAM [--count N] [--seed S] [--forever] [SUBJECT...]
//	oracle record --into FOLDER        cases and answers for the test that runs without Go
//	oracle answer SUBJECT < cases      what the real libraries say
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"

	"k8s.io/klog/v2"
)

// subject is one thing that both sides do.
type subject struct {
	name     string
	count    int // what the issue asks for
	recorded int // how many are kept with the tests
	generate func(random) any
	answer   func(any) any
}

func subjects() []subject {
	return []subject{
		{"apply", 100_000, 250, generateApply, answerApply},
		{"strategic", 100_000, 400, generateStrategic, answerStrategic},
		{"selector", 100_000, 1500, generateSelector, answerSelector},
		{"quantity", 100_000, 2000, generateQuantity, answerQuantity},
		{"schema", 20_000, 250, generateSchema, answerSchema},
		{"rules", 20_000, 150, generateRules, answerSchema},
		{"codec", 20_000, 250, generateCodec, answerCodec},
	}
}

// answered is the answer in the form in which it is compared; a panic of the real library is an answer too.
func (s subject) answered(given any) (answer string) {
	defer func() {
		if panicked := recover(); panicked != nil {
			answer = panics
			if os.Getenv("ORACLE_PANICS") != "" {
				panic(panicked)
			}
		}
	}()
	return text(s.answer(given))
}

func (s subject) generated(seed, number uint64) any {
	whole, err := read([]byte(text(s.generate(newRandom(seed, number)))))
	if err != nil {
		panic(err)
	}
	return whole
}

func main() {
	if len(os.Args) < 2 {
		fail("oracle compare|record|answer …")
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	settings := settings{}
	flags.StringVar(&settings.ours, "ours", "", "our program")
	flags.Uint64Var(&settings.seed, "seed", 1, "another seed gives other cases")
	flags.IntVar(&settings.count, "count", 0, "how many cases of each subject")
	flags.IntVar(&settings.shown, "shown", 5, "how many differences are shown")
	flags.IntVar(&settings.tries, "tries", 1000, "how often a difference is made smaller")
	flags.BoolVar(&settings.forever, "forever", false, "goes on with the next seed")
	flags.StringVar(&settings.into, "into", "", "a folder")
	var names []string
	for rest := os.Args[2:]; len(rest) > 0; rest = flags.Args() {
		if err := flags.Parse(rest); err != nil {
			fail(err)
		}
		if flags.NArg() == 0 {
			break
		}
		names = append(names, flags.Arg(0))
		if rest = flags.Args()[1:]; len(rest) == 0 {
			break
		}
		if err := flags.Parse(rest); err != nil {
			fail(err)
		}
	}
	// Both sides are told what fails; the libraries' own log only repeats it.
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	wanted := chosen(names)
	switch os.Args[1] {
	case "compare":
		compare(wanted, settings)
	case "record":
		record(wanted, settings)
	case "generate":
		for number := range settings.count {
			fmt.Println(text(wanted[0].generated(settings.seed, uint64(number))))
		}
	case "answer":
		lines := bufio.NewReaderSize(os.Stdin, 1<<20)
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return
			}
			given, err := read(line)
			if err != nil {
				fail(err)
			}
			fmt.Println(wanted[0].answered(given))
		}
	default:
		fail("unknown command ", os.Args[1])
	}
}

func chosen(names []string) []subject {
	if len(names) == 0 {
		return subjects()
	}
	var found []subject
	for _, name := range names {
		before := len(found)
		for _, each := range subjects() {
			if each.name == name {
				found = append(found, each)
			}
		}
		if len(found) == before {
			fail("no subject ", name)
		}
	}
	return found
}

func fail(why ...any) {
	fmt.Fprintln(os.Stderr, why...)
	os.Exit(2)
}
