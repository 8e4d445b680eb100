package main

import (
	"context"
	"encoding/json"
	"sort"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	apivalidation "k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apiextensions-apiserver/pkg/registry/customresource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var widget = schema.GroupVersionKind{Group: "x.example.com", Version: "v1", Kind: "Widget"}

// A definition, and objects that are written one after the other if the definition is accepted.
func generateSchema(r random) any { return definitionAndObjects(r, false) }

// The same with rules in CEL.
func generateRules(r random) any { return definitionAndObjects(r, true) }

func definitionAndObjects(r random, ruled bool) any {
	crd := shapes{random: r, wild: true, ruled: ruled, mistakes: pick(r, 30, 400, 1000000)}.root()
	s := shapes{random: r}
	odd := pick(r, 0, 25, 12)
	var objects []any
	before := s.members(crd, odd)
	for range r.IntN(4) + 2 {
		next := s.members(crd, odd)
		if r.one(2) {
			next = thinned(r, clone(before), 4).(object)
			if r.one(2) {
				changed := s.members(crd, odd)
				for _, key := range some(r, keys(changed), 2) {
					next[key] = changed[key]
				}
			}
		}
		next["apiVersion"], next["kind"] = "x.example.com/v1", "Widget"
		next["metadata"] = object{"name": "n", "namespace": "ns"}
		objects = append(objects, next)
		before = next
	}
	return object{"schema": crd, "objects": objects}
}

func answerSchema(given any) any {
	asked := given.(object)
	source, ok := asked["schema"].(object)
	if !ok {
		return "malformed"
	}
	var openapi apiextensionsv1.JSONSchemaProps
	if err := json.Unmarshal([]byte(text(source)), &openapi); err != nil {
		return "malformed"
	}
	definition := definitionOf(object{}, widget)
	definition.Spec.Versions = definition.Spec.Versions[:1]
	definition.Spec.Versions[0].Schema.OpenAPIV3Schema = &openapi
	definition.Status.StoredVersions = []string{"v1"}
	apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&definition.Spec)
	var internal apiextensions.CustomResourceDefinition
	must(apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(definition, &internal, nil))
	if faults := validation.ValidateCustomResourceDefinition(context.Background(), &internal); len(faults) > 0 {
		return object{"refused": told(faults)}
	}
	structural := structuralOf(&apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &openapi})
	validator, _, err := apivalidation.NewSchemaValidator(internal.Spec.Validation.OpenAPIV3Schema)
	must(err)
	strategy := customresource.NewStrategy(nil, true, widget, validator, nil, structural, nil, nil, nil)
	answers := []any{}
	var before *unstructured.Unstructured
	for _, each := range asked["objects"].([]any) {
		plain, ok := normal(each).(object)
		if !ok {
			return "malformed"
		}
		next := &unstructured.Unstructured{Object: plain}
		if next.GroupVersionKind() != widget {
			return "malformed"
		}
		unknown, err := coerced(next, structural)
		if err != nil {
			answers = append(answers, "unreadable: "+err.Error())
			continue
		}
		defaulting.Default(next.Object, structural)
		answer := object{"object": normal(next.Object), "unknown": unknown}
		next.SetResourceVersion("1")
		var faults field.ErrorList
		if before == nil {
			faults = strategy.Validate(context.Background(), next)
		} else {
			faults = strategy.ValidateUpdate(context.Background(), next, before)
		}
		if len(faults) > 0 {
			answer["refused"] = told(faults)
		} else {
			before = next
		}
		answers = append(answers, answer)
	}
	return answers
}

// coerced is what reading a request does to a custom resource: unknown fields and odd nulls go, metadata is checked.
func coerced(of *unstructured.Unstructured, structural *structuralschema.Structural) ([]any, error) {
	kind, version := of.GetKind(), of.GetAPIVersion()
	metadata, found, unknown, err := objectmeta.GetObjectMetaWithOptions(of.Object, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	if err != nil {
		return nil, err
	}
	unknown = append(unknown, pruning.PruneWithOptions(of.Object, structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})...)
	defaulting.PruneNonNullableNullsWithoutDefaults(of.Object, structural)
	fault, inner := objectmeta.CoerceWithOptions(nil, of.Object, structural, false, objectmeta.CoerceOptions{ReturnUnknownFieldPaths: true})
	if fault != nil {
		return nil, fault
	}
	unknown = append(unknown, inner...)
	of.SetKind(kind)
	of.SetAPIVersion(version)
	sort.Strings(unknown)
	told := []any{}
	for _, each := range unknown {
		told = append(told, each)
	}
	if found {
		return told, objectmeta.SetObjectMeta(of.Object, metadata)
	}
	return told, nil
}

// told are faults as causes of a refusal, in one order: the real ones come as Go's maps give them.
func told(faults field.ErrorList) []any {
	var lines []string
	for _, each := range faults {
		lines = append(lines, string(each.Type)+" | "+each.Field+" | "+each.ErrorBody())
	}
	sort.Strings(lines)
	found := []any{}
	for _, each := range lines {
		found = append(found, each)
	}
	return found
}
