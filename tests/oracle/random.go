package main

import "math/rand/v2"

// random is the source of one case: the same seed and number always give the same case.
type random struct{ *rand.Rand }

func newRandom(seed, number uint64) random {
	return random{rand.New(rand.NewPCG(seed, number))}
}

// one is true once in n times.
func (r random) one(n int) bool { return r.IntN(n) == 0 }

// upTo is between 0 and most, small numbers more often.
func (r random) upTo(most int) int { return r.IntN(r.IntN(most+1) + 1) }

func pick[T any](r random, of ...T) T { return of[r.IntN(len(of))] }

// some is a part of the list in its order.
func some[T any](r random, of []T, oneIn int) []T {
	var found []T
	for _, each := range of {
		if r.one(oneIn) {
			found = append(found, each)
		}
	}
	return found
}
