package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Two texts: each as it is stored, as it is rounded to thousandths, and which is more.
func generateQuantity(r random) any { return []any{amount(r), amount(r)} }

func amount(r random) string {
	if r.one(60) {
		letters := []rune("0159.eEinumkKMGTP+- x")
		var odd strings.Builder
		for range r.upTo(8) {
			odd.WriteRune(pick(r, letters...))
		}
		return odd.String()
	}
	var out strings.Builder
	out.WriteString(pick(r, "", "", "", "", "-", "+"))
	digits := func(most int) {
		for range r.upTo(most) {
			out.WriteString(pick(r, "0", "0", "1", "2", "4", "5", "9", fmt.Sprint(r.IntN(10))))
		}
	}
	out.WriteString(pick(r, "", "0", "1", "512", "1000", "1024", "2048", "999", "9223372036854775807"))
	digits(20)
	if r.one(2) {
		out.WriteString(".")
		digits(14)
	}
	out.WriteString(pick(r, "", "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"))
	if r.one(6) {
		fmt.Fprintf(&out, "%s%s%d", pick(r, "e", "E"), pick(r, "", "-", "+"), r.upTo(30))
	}
	if r.one(40) {
		out.WriteString(pick(r, "i", "K", "m", " ", "e", "E", "ki", "mi", "0"))
	}
	return out.String()
}

func answerQuantity(given any) any {
	answers := []any{}
	var parsed []resource.Quantity
	for _, each := range given.([]any) {
		quantity, err := resource.ParseQuantity(each.(string))
		if err != nil {
			answers = append(answers, err.Error())
			continue
		}
		parsed = append(parsed, quantity)
		var stored resource.Quantity
		quoted, _ := json.Marshal(each)
		if err := json.Unmarshal(quoted, &stored); err != nil {
			answers = append(answers, err.Error())
			continue
		}
		kept, _ := json.Marshal(stored)
		milli := stored.DeepCopy()
		milli.RoundUp(resource.Milli)
		rounded, _ := json.Marshal(milli)
		answers = append(answers, object{"stored": string(kept), "milli": string(rounded), "sign": quantity.Sign()})
	}
	if len(parsed) == 2 {
		answers = append(answers, parsed[0].Cmp(parsed[1]))
	}
	return answers
}
