package main

import (
	"bytes"
	"encoding/json"
	"sort"
)

type object = map[string]any

// text is the one form in which answers are compared: keys sorted, numbers as they were written.
func text(value any) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err)
	}
	return string(bytes.TrimSuffix(out.Bytes(), []byte("\n")))
}

// read is the value of a JSON text with its numbers as written.
func read(from []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(from))
	decoder.UseNumber()
	var value any
	err := decoder.Decode(&value)
	return value, err
}

func clone(value any) any {
	switch value := value.(type) {
	case object:
		copied := make(object, len(value))
		for key, each := range value {
			copied[key] = clone(each)
		}
		return copied
	case []any:
		copied := make([]any, len(value))
		for at, each := range value {
			copied[at] = clone(each)
		}
		return copied
	}
	return value
}

func keys(of object) []string {
	found := make([]string, 0, len(of))
	for key := range of {
		found = append(found, key)
	}
	sort.Strings(found)
	return found
}

// merged is a JSON merge patch over a value.
func merged(live, patch any) any {
	change, ok := patch.(object)
	if !ok {
		return patch
	}
	result, ok := live.(object)
	if !ok {
		result = object{}
	}
	for _, key := range keys(change) {
		if change[key] == nil {
			delete(result, key)
		} else {
			result[key] = merged(result[key], change[key])
		}
	}
	return result
}
