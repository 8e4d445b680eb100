package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/kube-openapi/pkg/spec3"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

var applied = []schema.GroupVersionKind{
	{Group: "apps", Version: "v1", Kind: "Deployment"},
	{Version: "v1", Kind: "Pod"},
	{Version: "v1", Kind: "Service"},
	{Version: "v1", Kind: "ConfigMap"},
	{Version: "v1", Kind: "Node"},
	{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"},
	{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRole"},
}

// A sequence of writes of several managers to one object, which begins absent.
func generateApply(r random) any {
	made := object{"status": r.one(2)}
	var whole func() object
	if r.one(3) {
		kind := applied[r.IntN(len(applied))]
		fill := filler{random: r, fullness: pick(r, 6, 12, 25)}
		if r.one(20) {
			fill.odd = 60
		}
		made["apiVersion"], made["kind"] = kind.GroupVersion().String(), kind.Kind
		whole = func() object {
			filled := fill.object(kind)
			filled["metadata"] = writtenMeta(r)
			return filled
		}
	} else {
		// Schemas come from a pool, as each takes the real library long to read.
		crd := shapes{random: newRandom(7, r.Uint64N(2000))}.root()
		made["apiVersion"], made["kind"], made["schema"] = "x.example.com/v1", "Widget", crd
		own := shapes{random: r}
		odd := pick(r, 0, 0, 0, 0, 30)
		whole = func() object {
			filled := own.members(crd, odd)
			filled["apiVersion"], filled["kind"] = "x.example.com/v1", "Widget"
			filled["metadata"] = writtenMeta(r)
			return filled
		}
	}
	var ops []any
	first := whole()
	for range r.IntN(5) + 2 {
		op := object{"op": pick(r, "apply", "apply", "apply", "merge", "update"), "manager": pick(r, "a", "b", "c", "kubectl")}
		switch r.IntN(3) {
		case 0:
			op["object"] = whole()
		default:
			op["object"] = thinned(r, clone(first), 5)
		}
		written := op["object"].(object)
		if r.one(4) {
			op["force"] = true
		}
		if r.one(5) {
			op["subresource"] = "status"
		}
		if made["kind"] == "Widget" && r.one(4) {
			op["version"] = pick(r, "v2", "v3")
			written["apiVersion"] = "x.example.com/" + op["version"].(string)
		}
		if r.one(60) {
			metadata, ok := written["metadata"].(object)
			if ok {
				metadata["managedFields"] = pick[any](r, []any{}, []any{object{}}, []any{object{"manager": "x", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": object{"f:data": object{}}}}, []any{object{"operation": "odd"}})
			}
		}
		ops = append(ops, op)
		if r.one(3) {
			first = thinned(r, clone(written), 6).(object)
		}
	}
	if r.one(40) {
		for at := range 14 {
			change := object{"metadata": object{"labels": object{fmt.Sprint("l", r.IntN(6)): fmt.Sprint(at)}}}
			ops = append(ops, object{"op": "merge", "manager": fmt.Sprint("m", at), "object": change})
		}
	}
	made["ops"] = ops
	return made
}

func writtenMeta(r random) object {
	made := object{"name": "n", "namespace": "ns"}
	if r.one(2) {
		made["labels"] = object{pick(r, "a", "b"): pick(r, "1", "2"), "c": "3"}
	}
	if r.one(3) {
		made["annotations"] = object{pick(r, "a", "b"): pick(r, "1", "2")}
	}
	if r.one(5) {
		made["finalizers"] = pick(r, []any{"x/a", "x/b"}, []any{"x/b"}, []any{"x/c", "x/a"})
	}
	if r.one(6) {
		made["ownerReferences"] = []any{object{"uid": pick(r, "1", "2"), "name": "o", "kind": "K", "apiVersion": "v1"}}
	}
	return made
}

// thinned leaves parts of a value out and changes some.
func thinned(r random, value any, oneIn int) any {
	switch value := value.(type) {
	case object:
		for _, key := range keys(value) {
			fixed := key == "apiVersion" || key == "kind" || key == "metadata" || key == "name" || key == "port"
			if !fixed && r.one(oneIn) {
				delete(value, key)
			} else if !fixed || key == "metadata" {
				value[key] = thinned(r, value[key], oneIn)
			}
		}
		return value
	case []any:
		var kept []any
		for _, each := range value {
			if !r.one(oneIn) {
				kept = append(kept, thinned(r, each, oneIn))
			}
		}
		if len(kept) > 1 && r.one(oneIn) {
			kept[0], kept[1] = kept[1], kept[0]
		}
		if kept == nil {
			return []any{}
		}
		return kept
	case int:
		if r.one(oneIn) {
			return value + 1
		}
	}
	return value
}

var acceptances sync.Map

func acceptedBefore(source object) bool {
	identity := text(source)
	if known, ok := acceptances.Load(identity); ok {
		return known.(bool)
	}
	accepted := isAccepted(source)
	acceptances.Store(identity, accepted)
	return accepted
}

// world is what the server knows of one kind.
type world struct {
	types      managedfields.TypeConverter
	kind       schema.GroupVersionKind
	structural *structuralschema.Structural
}

func (w world) custom() bool { return w.structural != nil }

func answerApply(given any) any {
	asked := given.(object)
	version, _ := asked["apiVersion"].(string)
	kind, _ := asked["kind"].(string)
	if source, ok := asked["schema"].(object); ok && (version != "x.example.com/v1" || kind != "Widget" || !acceptedBefore(source)) {
		return "malformed"
	} else if !ok && !scheme.Scheme.Recognizes(schema.FromAPIVersionAndKind(version, kind)) {
		return "malformed"
	}
	live := run{world: worldOf(asked), status: asked["status"] == true}
	answers := []any{}
	for number, op := range asked["ops"].([]any) {
		answers = append(answers, live.step(op.(object), number))
	}
	return answers
}

// run is one object's life.
type run struct {
	world
	status bool
	live   object
}

func (l *run) step(op object, number int) any {
	version := l.kind.GroupVersion()
	if other, ok := op["version"].(string); ok {
		version.Version = other
	}
	subresource, _ := op["subresource"].(string)
	reset := l.resets(subresource, version)
	manager, err := l.fieldManager(version, subresource, reset)
	if err != nil {
		return "manager: " + err.Error()
	}
	written, ok := clone(op["object"]).(object)
	if !ok {
		return "malformed"
	}
	live, err := l.decoded(l.live, l.kind.GroupVersion())
	if err != nil {
		return "live: " + err.Error()
	}
	if subresource != "" && l.live == nil {
		return "absent"
	}
	by, _ := op["manager"].(string)
	var result runtime.Object
	if op["op"] == "apply" {
		// As a patch is read from a request.
		patch := &unstructured.Unstructured{Object: normal(written).(object)}
		result, err = manager.Apply(live, patch, by, op["force"] == true)
		if err != nil {
			return "refused: " + err.Error()
		}
		// An apply that changes nothing comes back as the live object was.
		l.Default(result)
	} else {
		next := written
		if op["op"] == "merge" {
			next, _ = merged(clone(l.live), written).(object)
		}
		next["apiVersion"], next["kind"] = version.String(), l.kind.Kind
		if subresource == "status" {
			next = l.onlyStatus(next)
			next["apiVersion"] = version.String()
		} else if l.status {
			l.keepStatus(next)
		}
		if l.live != nil && next["metadata"] != nil {
			if metadata, ok := next["metadata"].(object); ok {
				metadata["uid"] = "u"
			}
		}
		decoded, err := l.decoded(next, version)
		if err != nil {
			return "malformed"
		}
		result = manager.UpdateNoErrors(live, decoded, by)
	}
	return l.settled(result, subresource, op["op"] == "apply", number)
}

// settled is the object as it would be stored.
func (l *run) settled(result runtime.Object, subresource string, byApply bool, number int) any {
	encoded, err := json.Marshal(result)
	if err != nil {
		return err.Error()
	}
	value, _ := read(encoded)
	next := value.(object)
	if byApply && subresource == "status" {
		next = l.onlyStatus(next)
	} else if byApply && l.status {
		l.keepStatus(next)
	}
	next["apiVersion"], next["kind"] = l.kind.GroupVersion().String(), l.kind.Kind
	metadata, ok := next["metadata"].(object)
	if !ok {
		metadata = object{}
		next["metadata"] = metadata
	}
	metadata["uid"] = "u"
	if entries, ok := metadata["managedFields"].([]any); ok {
		for _, entry := range entries {
			entry := entry.(object)
			if time, ok := entry["time"].(string); ok && time > "2025" {
				entry["time"] = virtualTime(number)
			}
		}
	}
	l.live = next
	return clone(next)
}

// virtualTime is when the step of that number happens.
func virtualTime(number int) string { return fmt.Sprintf("2020-01-01T00:00:%02dZ", number) }

// onlyStatus is the live object with the status and the record of owners of another.
func (l *run) onlyStatus(of object) object {
	next := clone(l.live).(object)
	if status, ok := of["status"]; ok {
		next["status"] = status
	} else {
		delete(next, "status")
	}
	metadata, _ := next["metadata"].(object)
	if from, ok := of["metadata"].(object); ok && metadata != nil {
		if managed, ok := from["managedFields"]; ok {
			metadata["managedFields"] = managed
		} else {
			delete(metadata, "managedFields")
		}
	}
	return next
}

func (l *run) keepStatus(of object) {
	if status, ok := l.live["status"]; ok {
		of["status"] = clone(status)
	} else {
		delete(of, "status")
	}
}

func (l *run) resets(subresource string, version schema.GroupVersion) map[fieldpath.APIVersion]*fieldpath.Set {
	set := fieldpath.NewSet()
	if subresource == "status" {
		set.Insert(fieldpath.MakePathOrDie("spec"))
		if l.custom() {
			set.Insert(fieldpath.MakePathOrDie("metadata"))
		}
	} else if l.status {
		set.Insert(fieldpath.MakePathOrDie("status"))
	}
	found := map[fieldpath.APIVersion]*fieldpath.Set{}
	for _, each := range []string{"v1", "v2", "v3"} {
		found[fieldpath.APIVersion(schema.GroupVersion{Group: version.Group, Version: each}.String())] = set
	}
	return found
}

func (l *run) fieldManager(version schema.GroupVersion, subresource string, reset map[fieldpath.APIVersion]*fieldpath.Set) (*managedfields.FieldManager, error) {
	kind := version.WithKind(l.kind.Kind)
	filter := fieldpath.NewExcludeFilterSetMap(reset)
	if l.custom() {
		return managedfields.NewDefaultCRDFieldManager(l.types, l, l, l, kind, l.kind.GroupVersion(), subresource, filter)
	}
	return managedfields.NewDefaultFieldManager(l.types, scheme.Scheme, scheme.Scheme, scheme.Scheme, kind, l.kind.GroupVersion(), subresource, filter)
}

// decoded is the object as the server reads it; an absent one is the empty object of its kind.
func (l *run) decoded(from object, version schema.GroupVersion) (runtime.Object, error) {
	if !l.custom() {
		into, err := scheme.Scheme.New(l.kind)
		if from == nil || err != nil {
			return into, err
		}
		encoded, _ := json.Marshal(from)
		decoded, _, err := jsonCodec.Decode(encoded, &l.kind, into)
		return decoded, err
	}
	made := &unstructured.Unstructured{}
	if from == nil {
		made.SetGroupVersionKind(version.WithKind(l.kind.Kind))
		return made, nil
	}
	made.Object = normal(from).(object)
	if err := l.coerce(made); err != nil {
		return nil, err
	}
	l.Default(made)
	return made, nil
}

// normal is a value as the server's own JSON reader makes it.
func normal(value any) any {
	encoded, _ := json.Marshal(value)
	var plain any
	if err := unmarshal(encoded, &plain); err != nil {
		panic(err)
	}
	return plain
}

func (l *run) coerce(made *unstructured.Unstructured) error {
	kind, version := made.GetKind(), made.GetAPIVersion()
	metadata, found, _, err := objectmeta.GetObjectMetaWithOptions(made.Object, objectmeta.ObjectMetaOptions{})
	if err != nil {
		return err
	}
	pruning.PruneWithOptions(made.Object, l.structural, true, structuralschema.UnknownFieldPathOptions{})
	defaulting.PruneNonNullableNullsWithoutDefaults(made.Object, l.structural)
	if err, _ := objectmeta.CoerceWithOptions(nil, made.Object, l.structural, false, objectmeta.CoerceOptions{}); err != nil {
		return err
	}
	made.SetKind(kind)
	made.SetAPIVersion(version)
	if found {
		return objectmeta.SetObjectMeta(made.Object, metadata)
	}
	return nil
}

// What the field manager asks of a custom resource: conversion by name, defaults, an empty object.

func (l *run) Default(in runtime.Object) {
	if made, ok := in.(*unstructured.Unstructured); ok && l.structural != nil {
		defaulting.Default(made.UnstructuredContent(), l.structural)
	}
}

func (l *run) New(kind schema.GroupVersionKind) (runtime.Object, error) {
	made := &unstructured.Unstructured{}
	made.SetGroupVersionKind(kind)
	return made, nil
}

func (l *run) Convert(in, out, context any) error { return fmt.Errorf("not asked for") }

func (l *run) ConvertToVersion(in runtime.Object, target runtime.GroupVersioner) (runtime.Object, error) {
	from, ok := in.(*unstructured.Unstructured)
	if !ok {
		return nil, fmt.Errorf("no custom resource: %T", in)
	}
	wanted, ok := target.KindForGroupVersionKinds([]schema.GroupVersionKind{from.GroupVersionKind()})
	if !ok {
		gv, is := target.(schema.GroupVersion)
		if !is {
			return nil, fmt.Errorf("no version for %v", from.GroupVersionKind())
		}
		wanted = gv.WithKind(from.GetKind())
	}
	made := from.DeepCopy()
	made.SetGroupVersionKind(wanted)
	return made, l.coerce(made)
}

func (l *run) ConvertFieldLabel(schema.GroupVersionKind, string, string) (string, string, error) {
	return "", "", fmt.Errorf("not asked for")
}

var (
	worlds      = map[string]world{}
	worldsGuard sync.Mutex
)

func worldOf(asked object) world {
	version, _ := asked["apiVersion"].(string)
	name, _ := asked["kind"].(string)
	kind := schema.FromAPIVersionAndKind(version, name)
	identity := kind.String() + text(asked["schema"])
	worldsGuard.Lock()
	defer worldsGuard.Unlock()
	if known, ok := worlds[identity]; ok {
		return known
	}
	if len(worlds) > 3000 {
		clear(worlds)
	}
	made := world{kind: kind}
	if source, ok := asked["schema"].(object); ok {
		made.types, made.structural = customTypes(kind, source)
	} else {
		made.types = builtInTypes()
	}
	worlds[identity] = made
	return made
}

func customTypes(kind schema.GroupVersionKind, source object) (managedfields.TypeConverter, *structuralschema.Structural) {
	definition := definitionOf(source, kind)
	specs := []*spec3.OpenAPI{{Version: "3.0.0", Components: &spec3.Components{Schemas: metaModels()}}}
	for _, version := range definition.Spec.Versions {
		built, err := builder.BuildOpenAPIV3(definition, version.Name, builder.Options{})
		must(err)
		specs = append(specs, built)
	}
	whole, err := builder.MergeSpecsV3(specs...)
	must(err)
	types, err := managedfields.NewTypeConverter(whole.Components.Schemas, false)
	must(err)
	return types, structuralOf(definition.Spec.Versions[0].Schema)
}

// isAccepted tells whether a definition with this schema could be there at all.
func isAccepted(source object) bool {
	var openapi apiextensionsv1.JSONSchemaProps
	if json.Unmarshal([]byte(text(source)), &openapi) != nil {
		return false
	}
	definition := definitionOf(source, widget)
	definition.Spec.Versions = definition.Spec.Versions[:1]
	definition.Status.StoredVersions = []string{"v1"}
	apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&definition.Spec)
	var internal apiextensions.CustomResourceDefinition
	must(apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(definition, &internal, nil))
	return len(validation.ValidateCustomResourceDefinition(context.Background(), &internal)) == 0
}

func structuralOf(source *apiextensionsv1.CustomResourceValidation) *structuralschema.Structural {
	internal := &apiextensions.CustomResourceValidation{}
	must(apiextensionsv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation(source, internal, nil))
	made, err := structuralschema.NewStructural(internal.OpenAPIV3Schema)
	must(err)
	must(defaulting.PruneDefaults(made))
	return made
}

func definitionOf(source object, kind schema.GroupVersionKind) *apiextensionsv1.CustomResourceDefinition {
	var schema apiextensionsv1.JSONSchemaProps
	must(json.Unmarshal([]byte(text(source)), &schema))
	made := &apiextensionsv1.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{Name: "widgets." + kind.Group}}
	made.Spec.Group = kind.Group
	made.Spec.Scope = apiextensionsv1.NamespaceScoped
	made.Spec.Names = apiextensionsv1.CustomResourceDefinitionNames{Plural: "widgets", Singular: "widget", Kind: kind.Kind, ListKind: kind.Kind + "List"}
	for _, version := range []string{"v1", "v2", "v3"} {
		made.Spec.Versions = append(made.Spec.Versions, apiextensionsv1.CustomResourceDefinitionVersion{
			Name: version, Served: true, Storage: version == "v1",
			Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: schema.DeepCopy()},
		})
	}
	made.Status.AcceptedNames = made.Spec.Names
	return made
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

var models = sync.OnceValue(func() map[string]*spec.Schema {
	folder := os.Getenv("ORACLE_OPENAPI")
	paths, err := filepath.Glob(filepath.Join(folder, "*_openapi.json"))
	must(err)
	found := map[string]*spec.Schema{}
	for _, path := range paths {
		from, err := os.ReadFile(path)
		must(err)
		var document spec3.OpenAPI
		must(json.NewDecoder(bytes.NewReader(from)).Decode(&document))
		if document.Components == nil {
			continue
		}
		for name, schema := range document.Components.Schemas {
			found[name] = schema
		}
	}
	if len(found) == 0 {
		fail("ORACLE_OPENAPI names no folder with the OpenAPI documents of Kubernetes")
	}
	return found
})

func metaModels() map[string]*spec.Schema {
	found := map[string]*spec.Schema{}
	for _, name := range []string{"ObjectMeta", "OwnerReference", "ManagedFieldsEntry", "FieldsV1", "Time", "ListMeta", "DeleteOptions", "Preconditions", "Status", "StatusDetails", "StatusCause", "Patch"} {
		full := "io.k8s.apimachinery.pkg.apis.meta.v1." + name
		if schema, ok := models()[full]; ok {
			found[full] = schema
		}
	}
	return found
}

var builtInTypes = sync.OnceValue(func() managedfields.TypeConverter {
	types, err := managedfields.NewTypeConverter(models(), false)
	must(err)
	return types
})
