package main

import "fmt"

// shapes makes schemas of custom resources, and values for them.
type shapes struct {
	random
	wild     bool // every keyword of validation
	ruled    bool // rules in CEL
	mistakes int  // once in so many schemas something that a server refuses
}

func (s shapes) root() object {
	root := object{"type": "object", "properties": object{"spec": s.schema(0), "status": s.schema(1)}}
	if s.wild {
		if s.one(8) {
			root["properties"].(object)["metadata"] = pick[any](s.random,
				object{"type": "object", "properties": object{"name": object{"type": "string", "maxLength": s.IntN(4)}}},
				object{"type": "object"}, object{"type": "object", "properties": object{"labels": object{"type": "object"}}})
		}
		s.keywords(root, "object", 0)
	}
	return root
}

func (s shapes) schema(depth int) object {
	if depth > 3 || s.IntN(10) < 2+depth {
		return s.scalar()
	}
	made := object{}
	switch s.IntN(10) {
	case 0, 1, 2, 3:
		made["type"] = "object"
		made["properties"] = s.properties(depth)
		if s.one(6) {
			made["x-kubernetes-map-type"] = pick(s.random, "atomic", "granular")
		}
		if s.one(8) {
			made["x-kubernetes-preserve-unknown-fields"] = true
		}
		if s.wild && s.one(40) {
			delete(made, "properties")
		}
	case 4:
		made["type"] = "object"
		made["additionalProperties"] = s.schema(depth + 1)
		if s.one(4) {
			made["x-kubernetes-map-type"] = "atomic"
		}
	case 5:
		made["type"] = "array"
		made["items"] = s.schema(depth + 1)
		if s.one(2) {
			made["x-kubernetes-list-type"] = "atomic"
		}
	case 6:
		made["type"] = "array"
		made["items"] = object{"type": pick(s.random, "string", "integer", "string", "boolean", "number")}
		made["x-kubernetes-list-type"] = "set"
	case 7, 8:
		made = s.keyed(depth)
	case 9:
		switch s.IntN(4) {
		case 0:
			made["type"] = "object"
			made["x-kubernetes-preserve-unknown-fields"] = true
		case 1:
			made["x-kubernetes-preserve-unknown-fields"] = true
		case 2:
			made["type"] = "object"
			made["x-kubernetes-embedded-resource"] = true
			made["x-kubernetes-preserve-unknown-fields"] = true
		case 3:
			made["type"] = "object"
			made["x-kubernetes-embedded-resource"] = true
			made["properties"] = s.properties(depth + 1)
		}
	}
	s.decorate(made, depth)
	return made
}

func (s shapes) decorate(made object, depth int) {
	if s.one(8) {
		made["nullable"] = true
	}
	if s.wild {
		kind, _ := made["type"].(string)
		s.keywords(made, kind, depth)
		if s.one(12) {
			made["default"] = s.value(made, pick(s.random, 0, 0, 0, 40))
		}
	} else if s.one(10) && made["x-kubernetes-embedded-resource"] == nil {
		made["default"] = s.value(made, 0)
	}
}

var fieldNames = []string{"a", "b", "c", "d", "name", "spec", "list", "x-y"}

func (s shapes) properties(depth int) object {
	made := object{}
	for range s.IntN(4) + 1 {
		made[pick(s.random, fieldNames...)] = s.schema(depth + 1)
	}
	return made
}

func (s shapes) keyed(depth int) object {
	properties := s.properties(depth)
	item := object{"type": "object", "properties": properties}
	key := func(name string) {
		of := object{"type": pick(s.random, "string", "integer", "string")}
		if s.one(3) {
			of["default"] = s.value(of, 0)
		} else if !s.wild || !s.one(100) {
			required, _ := item["required"].([]any)
			item["required"] = append(required, name)
		}
		properties[name] = of
	}
	found := []any{"name"}
	key("name")
	if s.one(2) {
		key("port")
		found = append(found, "port")
	}
	if s.wild && s.one(150) {
		found = append(found, pick(s.random, "name", "none", "a"))
	}
	if s.one(6) {
		item["x-kubernetes-map-type"] = "atomic"
	}
	return object{"type": "array", "items": item, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": found}
}

func (s shapes) scalar() object {
	made := object{}
	switch s.IntN(7) {
	case 0:
		made["x-kubernetes-int-or-string"] = true
	default:
		made["type"] = pick(s.random, "string", "integer", "boolean", "number", "string", "integer")
	}
	s.decorate(made, 3)
	return made
}

// value fits a schema, but for once in `odd` parts of it; 0 is never.
func (s shapes) value(of object, odd int) any {
	if odd > 0 && s.one(odd) {
		return pick[any](s.random, nil, "odd", 7, true, 1.5, object{}, []any{}, object{"odd": 1}, []any{"a", "a"}, "aaaaaaaaaaaa", -1, 1e30, "")
	}
	if of["nullable"] == true && s.one(8) {
		return nil
	}
	if listed, ok := of["enum"].([]any); ok && len(listed) > 0 && !s.one(6) {
		return clone(listed[s.IntN(len(listed))])
	}
	if of["x-kubernetes-int-or-string"] == true {
		return pick[any](s.random, 1, "50%", 7, "a")
	}
	switch of["type"] {
	case "object":
		return s.members(of, odd)
	case "array":
		made := []any{}
		seen := map[string]bool{}
		items, _ := of["items"].(object)
		for range s.upTo(4) {
			item := s.value(items, odd)
			identity := text(item)
			if keyed, ok := of["x-kubernetes-list-map-keys"].([]any); ok {
				identity = ""
				for _, key := range keyed {
					if fields, ok := item.(object); ok {
						identity += text(fields[key.(string)]) + "|"
					}
				}
			}
			if of["x-kubernetes-list-type"] == nil || of["x-kubernetes-list-type"] == "atomic" || !seen[identity] || s.one(20) {
				made = append(made, item)
			}
			seen[identity] = true
		}
		return made
	case "string":
		return s.string(of)
	case "integer":
		return pick(s.random, 0, 1, 2, 3, 80, 10, -1)
	case "number":
		return pick[any](s.random, 0, 1.5, 2, -0.25, 1.0)
	case "boolean":
		return s.one(2)
	}
	return s.free(0)
}

func (s shapes) string(of object) string {
	switch of["format"] {
	case "date-time":
		return pick(s.random, "2024-02-29T23:59:59Z", "2020-01-01T00:00:00.5+02:00", "2024-02-30T00:00:00Z", "x")
	case nil:
	default:
		return s.formatted()
	}
	return pick(s.random, "a", "b", "c", "", "text", "é<&>\"", "abc123")
}

func (s shapes) members(of object, odd int) object {
	made := object{}
	properties, _ := of["properties"].(object)
	required := map[string]bool{}
	if listed, ok := of["required"].([]any); ok {
		for _, each := range listed {
			required[each.(string)] = true
		}
	}
	for _, name := range keys(properties) {
		if required[name] && !s.one(20) || s.one(2) {
			made[name] = s.value(properties[name].(object), odd)
		}
	}
	if each, ok := of["additionalProperties"].(object); ok {
		for range s.upTo(3) {
			made[pick(s.random, "k1", "k2", "k/3")] = s.value(each, odd)
		}
	}
	if of["x-kubernetes-embedded-resource"] == true && !s.one(12) {
		made["apiVersion"], made["kind"] = pick(s.random, "v1", "v1", "g/v1"), pick(s.random, "Pod", "Pod", "K")
		if !s.one(3) {
			made["metadata"] = object{"name": pick(s.random, "n", "n", "m"), "labels": object{"a": "b"}}
		}
	}
	if of["x-kubernetes-preserve-unknown-fields"] == true && s.one(2) || odd > 0 && s.one(odd*4) {
		made[pick(s.random, "free", "odd", "a")] = s.free(0)
	}
	return made
}

func (s shapes) free(depth int) any {
	if depth > 2 || s.one(3) {
		return pick[any](s.random, 1, "x", true, 1.5, "y", 0)
	}
	if s.one(3) {
		made := []any{}
		for range s.upTo(3) {
			made = append(made, s.free(depth+1))
		}
		return made
	}
	made := object{}
	for range s.upTo(3) {
		made[fmt.Sprint("f", s.IntN(4))] = s.free(depth + 1)
	}
	return made
}
