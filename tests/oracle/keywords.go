package main

import "fmt"

// keywords adds rules for values to a schema, now and then one that a server refuses.
func (s shapes) keywords(made object, kind string, depth int) {
	few := func(name string, value any) {
		if s.one(7) {
			made[name] = value
		}
	}
	switch kind {
	case "string":
		few("maxLength", s.IntN(8))
		few("minLength", s.IntN(4))
		few("pattern", pick(s.random, "^[a-z]+$", "^a", "[0-9]+$", "", `\d{2}`, "^(a|b)?$"))
		few("enum", pick(s.random, []any{"a", "b"}, []any{"a", "b", "c", "text"}, []any{""}))
		few("format", pick(s.random, formats...))
	case "integer", "number":
		few("maximum", pick[any](s.random, 3, 10, 2.5, 0, 80))
		few("minimum", pick[any](s.random, 0, 1, -1, 2.5))
		few("exclusiveMaximum", s.one(2))
		few("exclusiveMinimum", s.one(2))
		few("multipleOf", pick[any](s.random, 2, 5, 0.5))
		few("enum", pick(s.random, []any{1, 2, 3}, []any{80}))
		few("format", pick(s.random, "int32", "int64", "float", "double"))
	case "array":
		few("maxItems", s.IntN(4))
		few("minItems", s.IntN(3))
		if s.one(40) {
			made["uniqueItems"] = s.one(3)
		}
	case "object":
		if made["additionalProperties"] != nil || s.one(4) {
			few("maxProperties", s.IntN(4))
			few("minProperties", s.IntN(3))
		}
		if properties, ok := made["properties"].(object); ok && s.one(4) && made["required"] == nil {
			required := []any{}
			for _, each := range some(s.random, keys(properties), 2) {
				required = append(required, each)
			}
			if s.one(10) {
				required = append(required, "none")
			}
			made["required"] = required
		}
	}
	if s.one(14) {
		s.junctor(made, kind)
	}
	if s.ruled && s.one(5) {
		made["x-kubernetes-validations"] = s.rules(made, kind)
	}
	if s.one(s.mistakes) {
		s.mistake(made)
	}
}

var formats = []string{
	"date-time", "date", "duration", "uuid", "email", "ipv4", "ipv6", "uri", "hostname", "byte", "cidr", "mac", "unknown",
	"password", "isbn", "creditcard", "hexcolor", "rgbcolor", "ssn", "uuid3", "uuid4", "uuid5", "bsonobjectid", "datetime", "isbn10", "isbn13",
	"k8s-short-name", "k8s-long-name",
}

func (s shapes) formatted() string {
	return pick(s.random, "a", "", "2024-02-29", "2023-02-29", "1h30m", "P1D", "3 days", "1.5s", "123e4567-e89b-12d3-a456-426614174000",
		"123E4567-E89B-12D3-A456-426614174000", "123e4567e89b42d3a456426614174000", "a@b.c", "a@b", "1.2.3.4", "1.2.3.256", "::1", "fe80::1%eth0", "http://a/b?c", "/a", "a:b",
		"a.example.com", "-a.b", "YWI=", "YWI", "10.0.0.0/8", "10.0.0.1/33", "::/0", "00:11:22:33:44:55", "0-321-75104-3", "978-3-16-148410-0",
		"4111111111111111", "#fff", "#ffffff", "rgb(1,2,3)", "078-05-1120", "507f1f77bcf86cd799439011", "A", "a_b", "2024-02-29T23:59:59Z", "01.2.3.4", "1.2.3", "::ffff:1.2.3.4", "1d", "1ms", "-1s", "1.2.3.4/24")
}

func (s shapes) junctor(made object, kind string) {
	part := func() object {
		of := object{}
		switch kind {
		case "object":
			if properties, ok := made["properties"].(object); ok && len(properties) > 0 {
				name := pick(s.random, keys(properties)...)
				of["required"] = []any{name}
				if s.one(3) {
					of["properties"] = object{name: object{"enum": []any{"a", 1}}}
				}
			}
		case "string":
			of[pick(s.random, "maxLength", "minLength")] = s.IntN(5)
		case "integer", "number":
			of[pick(s.random, "maximum", "minimum")] = s.IntN(5)
		case "array":
			of[pick(s.random, "maxItems", "minItems")] = s.IntN(4)
		}
		if s.one(25) {
			of[pick(s.random, "type", "description", "default", "title")] = "x"
		}
		return of
	}
	switch s.IntN(4) {
	case 0:
		made["not"] = part()
	case 1:
		made["anyOf"] = []any{part(), part()}
	case 2:
		made["oneOf"] = []any{part(), part()}
	case 3:
		made["allOf"] = []any{part()}
	}
}

// mistake is what a server refuses in a schema.
func (s shapes) mistake(made object) {
	switch s.IntN(16) {
	case 0:
		delete(made, "type")
	case 1:
		made["type"] = pick[any](s.random, "odd", "null", "")
	case 2:
		made["items"] = object{"type": "string"}
	case 3:
		delete(made, "items")
	case 4:
		made["x-kubernetes-list-type"] = pick(s.random, "odd", "set", "map")
	case 5:
		made["x-kubernetes-map-type"] = pick(s.random, "odd", "atomic")
	case 6:
		made["x-kubernetes-list-map-keys"] = []any{"name"}
	case 7:
		made["x-kubernetes-embedded-resource"] = true
	case 8:
		made["x-kubernetes-int-or-string"] = true
	case 9:
		made["x-kubernetes-preserve-unknown-fields"] = false
	case 10:
		made["additionalProperties"] = pick[any](s.random, true, false, object{"type": "string"})
	case 11:
		made["pattern"] = pick(s.random, "(", "[", "a{2,1}", "(?!a)", `\p{X}`)
	case 12:
		made["default"] = pick[any](s.random, nil, 1, "x", object{}, []any{}, object{"z": 1})
	case 13:
		made["$ref"] = "#/x"
	case 14:
		made[pick(s.random, "uniqueItems", "nullable", "exclusiveMinimum")] = true
	case 15:
		made[pick(s.random, "definitions", "dependencies", "patternProperties")] = object{"a": object{"type": "string"}}
	}
}

func (s shapes) rules(made object, kind string) []any {
	var found []any
	for range s.IntN(2) + 1 {
		rule := object{"rule": s.expression(made, kind)}
		if s.one(3) {
			rule["message"] = pick(s.random, "must be so", "é \"quoted\"", "", "two\nlines")
		}
		if s.one(5) {
			rule["messageExpression"] = pick(s.random, "'is ' + string(self)", "'so'", "self", "'a' + 'b'", "1", "''", "'x\\ny'")
		}
		if s.one(5) {
			rule["reason"] = pick(s.random, "FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired", "FieldValueDuplicate", "Odd")
		}
		if s.one(6) {
			rule["fieldPath"] = pick(s.random, ".a", ".name", ".none", "a", ".spec.a", "['a']")
		}
		if s.one(12) {
			rule["optionalOldSelf"] = s.one(2)
		}
		found = append(found, rule)
	}
	return found
}

func (s shapes) expression(made object, kind string) string {
	if s.one(25) {
		return pick(s.random, "", "self.", "self.none == 1", "true", "false", "1", "self + 1 == 2", "oldSelf == self", "size(self) > 0", "none", "self == 'a' ||", "'a' in self", "type(self) == string")
	}
	switch kind {
	case "string":
		return pick(s.random, "self.size() < 4", "self.startsWith('a')", "self == oldSelf", "self != 'b'", "self.matches('^[a-c]*$')",
			"oldSelf == '' || self.contains(oldSelf)", "self in ['a', 'b']", "self.lowerAscii() == self", "size(self) <= 3 && self != ''", "isURL(self)", "self.split('').size() < 4", "duration(self) > duration('1s')", "int(self) > 3", "quantity(self).isGreaterThan(quantity('1'))")
	case "integer":
		return pick(s.random, "self > 1", "self % 2 == 0", "self >= oldSelf", "self == 1 || self == 2", "10 / self > 2", "self < 5.0", "self + 9223372036854775807 > 0", "double(self) < 2.5")
	case "number":
		return pick(s.random, "self > 1.0", "self >= oldSelf", "self < 2", "self * 2.0 != 3.0")
	case "boolean":
		return pick(s.random, "self", "!self", "self == oldSelf", "self ? true : false")
	case "array":
		return pick(s.random, "self.size() < 3", "self.all(x, x == self[0])", "self.exists(x, x == x)", "self == oldSelf", "self.exists_one(x, true)", "self.map(x, x).size() > 0", "size(self) >= size(oldSelf)", "self[0] == self[0]", "self.filter(x, true).size() == self.size()", "oldSelf.all(x, x in self)", "self.isSorted()", "self.all(x, self.all(y, x == y))")
	case "object":
		if properties, ok := made["properties"].(object); ok && len(properties) > 0 {
			name := pick(s.random, keys(properties)...)
			field := name
			if field == "x-y" {
				field = "x__dash__y"
			}
			return pick(s.random, "has(self."+field+")", "!has(self."+field+")", fmt.Sprintf("!has(self.%s) || self.%s == self.%s", field, field, field),
				fmt.Sprintf("has(self.%s) == has(oldSelf.%s)", field, field), fmt.Sprintf("self.%s == oldSelf.%s", field, field), fmt.Sprintf("self.%s == 'a'", field),
				fmt.Sprintf("self.%s > 1", field), fmt.Sprintf("size(self.%s) < 3", field), fmt.Sprintf("self.?%s.hasValue()", field), "self == oldSelf")
		}
		return pick(s.random, "self.size() < 3", "self.all(k, k != 'k1')", "'k1' in self", "self == oldSelf", "self.exists(k, self[k] == self[k])", "!('k1' in self) || self['k1'] == 'a'")
	}
	return pick(s.random, "self == oldSelf", "type(self) == int", "self == 1", "self == 'a'", "dyn(self) == 1")
}
