package main

import (
	"strings"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
)

func generateSelector(r random) any {
	sets := []any{}
	for range r.upTo(4) {
		set := object{}
		for range r.upTo(4) {
			set[labelKey(r)] = labelValue(r)
		}
		sets = append(sets, set)
	}
	if r.one(3) {
		return object{"fields": fieldText(r), "sets": sets}
	}
	return object{"labels": labelText(r), "sets": sets}
}

func labelKey(r random) string {
	if r.one(25) {
		return pick(r, "", "A-", "-a", "a b", "a/b/c", "/a", "a/", "A.b/c", "ex_ample.com/a", strings.Repeat("k", 64), strings.Repeat("d", 254)+"/a", "in", "notin", "é", "a=b")
	}
	return pick(r, "a", "b", "c", "app", "example.com/tier", "x_y.z", "n1", "in", "notin")
}

func labelValue(r random) string {
	if r.one(25) {
		return pick(r, "-", "a b", "a/b", strings.Repeat("v", 64), "é", "_", ".", "a-")
	}
	return pick(r, "", "a", "b", "1", "2", "10", "-5", "web", "true", "in", "notin", "A.b_c-d")
}

func spaces(r random) string { return pick(r, "", "", "", " ", "  ", "\t") }

func labelText(r random) string {
	var out strings.Builder
	for at := range r.upTo(3) + 1 {
		if at > 0 {
			out.WriteString(spaces(r) + "," + spaces(r))
		}
		key := labelKey(r)
		switch r.IntN(9) {
		case 0:
			out.WriteString(spaces(r) + key)
		case 1:
			out.WriteString("!" + spaces(r) + key)
		case 2, 3, 4:
			out.WriteString(key + spaces(r) + pick(r, "=", "==", "!=", "=", ">", "<", "===", "=!", ">=", "!") + spaces(r) + labelValue(r))
		case 5, 6, 7:
			out.WriteString(key + spaces(r) + pick(r, " in ", " notin ", " in", " notin", " In ", " exists ") + spaces(r) + "(")
			for index := range r.upTo(4) {
				if index > 0 {
					out.WriteString(spaces(r) + "," + spaces(r))
				}
				out.WriteString(labelValue(r))
			}
			out.WriteString(pick(r, ")", ")", ")", ")", ")", "", "))", ",)"))
		case 8:
			letters := []rune("ab=!<>(),  in1")
			for range r.upTo(10) {
				out.WriteRune(pick(r, letters...))
			}
		}
	}
	out.WriteString(pick(r, "", "", "", "", "", "", "", "", ",", " ", ",,", "x"))
	return out.String()
}

func fieldText(r random) string {
	var out strings.Builder
	for at := range r.upTo(3) + 1 {
		if at > 0 {
			out.WriteString(pick(r, ",", ",", ",", ",", " , ", ",,", `\,`))
		}
		out.WriteString(pick(r, "a", "b", "c", "n1", "x_y.z", " a", "", `a\`))
		out.WriteString(pick(r, "=", "==", "!=", "=", "=", "!", "", "===", ">"))
		out.WriteString(pick(r, "a", "b", "1", "", "web", `a\,b`, `a\=b`, `a\\b`, `a\b`, `\`, "a b", "a=b", "é", "a!b"))
	}
	return out.String()
}

func answerSelector(given any) any {
	asked := given.(object)
	var matches []any
	each := func(match func(map[string]string) bool) {
		for _, set := range asked["sets"].([]any) {
			plain := map[string]string{}
			for key, value := range set.(object) {
				plain[key] = value.(string)
			}
			matches = append(matches, match(plain))
		}
	}
	if spelled, ok := asked["labels"]; ok {
		selector, err := labels.Parse(spelled.(string))
		if err != nil {
			return err.Error()
		}
		each(func(set map[string]string) bool { return selector.Matches(labels.Set(set)) })
		return object{"text": selector.String(), "matches": matches}
	}
	selector, err := fields.ParseSelector(asked["fields"].(string))
	if err != nil {
		return err.Error()
	}
	each(func(set map[string]string) bool { return selector.Matches(fields.Set(set)) })
	return object{"text": selector.String(), "matches": matches, "empty": selector.Empty()}
}
