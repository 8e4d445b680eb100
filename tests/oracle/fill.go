package main

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"sort"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
)

// kinds are the built-in kinds that are objects, in a fixed order.
func kinds() []schema.GroupVersionKind {
	var found []schema.GroupVersionKind
	for kind, of := range scheme.Scheme.AllKnownTypes() {
		_, hasMeta := of.FieldByName("ObjectMeta")
		old := strings.Contains(kind.Version, "alpha") || strings.Contains(kind.Version, "beta")
		if hasMeta && !old && kind.Version != runtime.APIVersionInternal && served(kind) {
			found = append(found, kind)
		}
	}
	sort.Slice(found, func(left, right int) bool { return found[left].String() < found[right].String() })
	return found
}

// served leaves out what is no resource of this release, or another form of one.
func served(kind schema.GroupVersionKind) bool {
	switch kind.Group {
	case "extensions", "imagepolicy.k8s.io":
		return false
	case "autoscaling":
		return kind.Version == "v2" || kind.Kind == "Scale"
	}
	return kind.Kind != "RangeAllocation" && kind.Kind != "PodStatusResult"
}

// filler makes JSON values of Go types.
type filler struct {
	random
	fullness int // of a hundred fields this many are there
	odd      int // once in so many a value is of another type or null; 0 is never
}

var (
	ofQuantity  = reflect.TypeFor[resource.Quantity]()
	ofIntstr    = reflect.TypeFor[intstr.IntOrString]()
	ofTime      = reflect.TypeFor[meta.Time]()
	ofMicroTime = reflect.TypeFor[meta.MicroTime]()
	ofDuration  = reflect.TypeFor[meta.Duration]()
	ofRaw       = reflect.TypeFor[runtime.RawExtension]()
	ofFields    = reflect.TypeFor[meta.FieldsV1]()
	ofBytes     = reflect.TypeFor[[]byte]()
	ofJSON      = reflect.TypeFor[apiextensions.JSON]()
	ofMeta      = reflect.TypeFor[meta.ObjectMeta]()
)

func (f filler) object(kind schema.GroupVersionKind) object {
	filled, _ := f.value(scheme.Scheme.AllKnownTypes()[kind], "", 0).(object)
	if filled == nil {
		filled = object{}
	}
	filled["apiVersion"], filled["kind"] = kind.GroupVersion().String(), kind.Kind
	return filled
}

func (f filler) value(of reflect.Type, name string, depth int) any {
	if f.odd > 0 && f.one(f.odd) {
		return pick[any](f.random, nil, "odd", 7, true, 1.5, object{}, []any{}, object{"odd": 1}, []any{"odd"})
	}
	switch of {
	case ofQuantity:
		return pick[any](f.random, "1", "100m", "1Gi", "0.5", "1500m", "2k", 3, "0", "1.5Gi", "12e6", amountGood(f.random))
	case ofIntstr:
		return pick[any](f.random, 0, 80, "http", "25%", 8080, "")
	case ofTime:
		return pick[any](f.random, "2024-02-29T23:59:59Z", "2020-01-01T00:00:00+02:00", "1969-12-31T23:59:59Z", nil, "2021-06-01T10:20:30.987654321Z")
	case ofMicroTime:
		return pick[any](f.random, "2024-02-29T23:59:59.000001Z", "2020-01-01T00:00:00.123456Z", nil)
	case ofDuration:
		return pick[any](f.random, "1s", "1h30m", "0s")
	case ofRaw, ofJSON:
		return pick[any](f.random, object{"a": 1, "b": []any{"c", 1.5, nil}}, object{"kind": "X", "apiVersion": "v1"}, object{})
	case ofFields:
		return object{"f:a": object{".": object{}, "f:b": object{}}}
	case ofBytes:
		return base64.StdEncoding.EncodeToString([]byte(pick(f.random, "", "a", "ab", "abc", "\x00\xff\xfe")))
	}
	switch of.Kind() {
	case reflect.Pointer:
		return f.value(of.Elem(), name, depth)
	case reflect.Struct:
		return f.fields(of, object{}, depth)
	case reflect.Map:
		made := object{}
		for range f.upTo(3) {
			made[f.word()] = f.value(of.Elem(), name, depth+1)
		}
		return made
	case reflect.Slice:
		made := []any{}
		for range f.upTo(4) {
			made = append(made, f.value(of.Elem(), name, depth+1))
		}
		return made
	case reflect.String:
		return f.text(name)
	case reflect.Bool:
		return f.one(2)
	case reflect.Int32, reflect.Int64, reflect.Int:
		return pick(f.random, 0, 1, 2, 80, 443, -1, f.IntN(100000))
	case reflect.Float64:
		return pick(f.random, 0.0, 1.5, -2.25, 3)
	case reflect.Uint8:
		return f.IntN(256)
	}
	panic("no value of " + of.String())
}

func amountGood(r random) string { return fmt.Sprint(r.IntN(5000)) + pick(r, "", "m", "Mi", "k") }

func (f filler) word() string { return pick(f.random, "a", "b", "c", "x.y/z", "key") }

// text comes from small pools, so that items of lists meet their like.
func (f filler) text(name string) string {
	switch name {
	case "protocol":
		return pick(f.random, "TCP", "UDP", "SCTP")
	case "name", "mountPath", "type", "topologyKey", "ip", "devicePath", "uid":
		return pick(f.random, "a", "b", "c", "d", "")
	}
	return pick(f.random, "", "a", "b", "text", "é\"\\\n", "<&>", "\u2028")
}

func (f filler) fields(of reflect.Type, into object, depth int) object {
	for index := range of.NumField() {
		field := of.Field(index)
		tag := strings.Split(field.Tag.Get("json"), ",")
		if tag[0] == "-" {
			continue
		}
		if tag[0] == "" {
			inner := field.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			if inner != reflect.TypeFor[meta.TypeMeta]() {
				f.fields(inner, into, depth)
			}
			continue
		}
		keyed := (tag[0] == "name" || strings.HasSuffix(tag[0], "ort") || tag[0] == "type") && depth > 0
		if !keyed && f.IntN(100) >= f.fullness || depth > 9 {
			continue
		}
		if field.Type == ofMeta {
			into[tag[0]] = f.metadata()
			continue
		}
		into[tag[0]] = f.value(field.Type, tag[0], depth+1)
	}
	return into
}

func (f filler) metadata() any {
	made := object{}
	if f.one(2) {
		made["name"] = "n"
	}
	if f.one(3) {
		made["labels"] = object{"a": pick(f.random, "1", "2"), "b": "1"}
	}
	if f.one(4) {
		made["annotations"] = object{f.word(): f.text("")}
	}
	if f.one(6) {
		made["finalizers"] = []any{"x/a", "x/b"}
	}
	if f.one(6) {
		made["ownerReferences"] = []any{object{"uid": f.text("uid"), "name": "o", "kind": "K", "apiVersion": "v1"}}
	}
	if f.one(8) {
		made["creationTimestamp"] = pick[any](f.random, nil, "2020-01-01T00:00:00Z")
	}
	if f.one(12) {
		made["generation"] = f.IntN(3)
	}
	return made
}
