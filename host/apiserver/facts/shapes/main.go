// Prints how Go's encoder sees each field of the served kinds: what OpenAPI leaves out. One line a field,
// "definition field flags go-type": p pointer, o omitempty, z omitzero, i inlined (its fields follow under the
// outer definition). Run by hand: `go run . > shapes.txt`, and give the file to the `facts` example.
package main

import (
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	apps "k8s.io/api/apps/v1"
	authentication "k8s.io/api/authentication/v1"
	authorization "k8s.io/api/authorization/v1"
	autoscaling1 "k8s.io/api/autoscaling/v1"
	autoscaling2 "k8s.io/api/autoscaling/v2"
	batch "k8s.io/api/batch/v1"
	certificates "k8s.io/api/certificates/v1"
	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	events "k8s.io/api/events/v1"
	flowcontrol "k8s.io/api/flowcontrol/v1"
	networking "k8s.io/api/networking/v1"
	node "k8s.io/api/node/v1"
	policy "k8s.io/api/policy/v1"
	rbac "k8s.io/api/rbac/v1"
	resource "k8s.io/api/resource/v1"
	scheduling "k8s.io/api/scheduling/v1"
	storage "k8s.io/api/storage/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
)

// Types whose own JSON methods hide their fields.
var opaque = map[string]bool{
	"Time": true, "MicroTime": true, "Quantity": true, "IntOrString": true, "RawExtension": true,
	"FieldsV1": true, "Duration": true, "JSON": true, "JSONSchemaPropsOrArray": true,
	"JSONSchemaPropsOrBool": true, "JSONSchemaPropsOrStringArray": true,
}

// Lines of each definition, in the order that the encoder writes the fields.
var lines = map[string][]string{}
var seen = map[reflect.Type]bool{}

func main() {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		admissionregistration.AddToScheme, apps.AddToScheme, authentication.AddToScheme, authorization.AddToScheme,
		autoscaling1.AddToScheme, autoscaling2.AddToScheme, batch.AddToScheme, certificates.AddToScheme,
		coordination.AddToScheme, core.AddToScheme, discovery.AddToScheme, events.AddToScheme, flowcontrol.AddToScheme,
		networking.AddToScheme, node.AddToScheme, policy.AddToScheme, rbac.AddToScheme, resource.AddToScheme,
		scheduling.AddToScheme, storage.AddToScheme, apiextensions.AddToScheme, apiregistration.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	for _, t := range scheme.AllKnownTypes() {
		walk(t)
	}
	// CRDs' schemas hide behind types with their own JSON methods.
	walk(reflect.TypeOf(apiextensions.JSONSchemaProps{}))
	names := make([]string, 0, len(lines))
	for name := range lines {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Println(strings.Join(lines[name], "\n"))
	}
}

func definition(t reflect.Type) string {
	path := strings.Split(t.PkgPath(), "/")
	host := strings.Split(path[0], ".")
	for left, right := 0, len(host)-1; left < right; left, right = left+1, right-1 {
		host[left], host[right] = host[right], host[left]
	}
	return strings.Join(append(host, path[1:]...), ".") + "." + t.Name()
}

func walk(t reflect.Type) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] || opaque[t.Name()] || t.PkgPath() == "" {
		return
	}
	seen[t] = true
	fields(t, t)
}

func fields(outer, t reflect.Type) {
	for index := range t.NumField() {
		field := t.Field(index)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" || !field.IsExported() {
			continue
		}
		if name == "" && (field.Anonymous || strings.Contains(options, "inline")) {
			inner := field.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			fields(outer, inner)
			continue
		}
		if name == "" {
			name = field.Name
		}
		flags := ""
		kind := field.Type
		if kind.Kind() == reflect.Pointer {
			flags += "p"
			kind = kind.Elem()
		}
		if strings.Contains(options, "omitempty") {
			flags += "o"
		}
		if strings.Contains(options, "omitzero") {
			flags += "z"
		}
		if flags == "" {
			flags = "-"
		}
		of := definition(outer)
		lines[of] = append(lines[of], fmt.Sprintf("%s %s %s %s", of, name, flags, kind.String()))
		walk(field.Type)
	}
}
