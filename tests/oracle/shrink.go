package main

// shrunk makes a case smaller while it still fails, at most as often as the budget allows.
func shrunk(whole any, budget int, fails func(any) bool) any {
	tried := 0
	still := func(candidate any) bool {
		tried++
		return tried <= budget && fails(candidate)
	}
	for again := true; again && tried < budget; {
		again = false
		for _, place := range places(whole, nil) {
			for _, change := range changes(at(whole, place)) {
				candidate := with(whole, place, change)
				if still(candidate) {
					whole, again = candidate, true
					break
				}
			}
			if again {
				break
			}
		}
	}
	return whole
}

type absent struct{}

// changes are smaller things to put in place of a value.
func changes(value any) []any {
	tries := []any{absent{}}
	switch value := value.(type) {
	case []any:
		if len(value) > 3 {
			tries = append(tries, value[:len(value)/2], value[len(value)/2:])
		}
	case object:
		if len(value) > 0 {
			tries = append(tries, object{})
		}
	case string:
		if len(value) > 3 {
			tries = append(tries, value[:len(value)/2], value[len(value)/2:], value[1:], value[:len(value)-1])
		}
	}
	return tries
}

// places are the paths to all parts of a value, outer ones first.
func places(value any, outer []any) [][]any {
	var found [][]any
	add := func(step, inner any) {
		place := append(append([]any{}, outer...), step)
		found = append(found, place)
	}
	switch value := value.(type) {
	case object:
		for _, key := range keys(value) {
			add(key, value[key])
		}
		for _, key := range keys(value) {
			found = append(found, places(value[key], append(append([]any{}, outer...), key))...)
		}
	case []any:
		for index := len(value) - 1; index >= 0; index-- {
			add(index, value[index])
		}
		for index := range value {
			found = append(found, places(value[index], append(append([]any{}, outer...), index))...)
		}
	}
	return found
}

func at(value any, place []any) any {
	for _, step := range place {
		switch step := step.(type) {
		case string:
			value = value.(object)[step]
		case int:
			value = value.([]any)[step]
		}
	}
	return value
}

// with is a copy with another value at a place, or without the place.
func with(whole any, place []any, change any) any {
	if len(place) == 0 {
		return change
	}
	_, gone := change.(absent)
	gone = gone && len(place) == 1
	switch step := place[0].(type) {
	case string:
		copied := make(object)
		for key, each := range whole.(object) {
			copied[key] = each
		}
		if gone {
			delete(copied, step)
		} else {
			copied[step] = with(copied[step], place[1:], change)
		}
		return copied
	case int:
		list := whole.([]any)
		copied := append([]any{}, list...)
		if gone {
			return append(copied[:step:step], list[step+1:]...)
		}
		copied[step] = with(copied[step], place[1:], change)
		return copied
	}
	return whole
}
