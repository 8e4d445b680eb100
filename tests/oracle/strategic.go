package main

import (
	"encoding/json"
	"reflect"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/mergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/kubernetes/scheme"
)

var patched = []schema.GroupVersionKind{
	{Group: "apps", Version: "v1", Kind: "Deployment"},
	{Version: "v1", Kind: "Pod"},
	{Version: "v1", Kind: "Service"},
	{Version: "v1", Kind: "ServiceAccount"},
	{Version: "v1", Kind: "Node"},
	{Version: "v1", Kind: "ConfigMap"},
	{Version: "v1", Kind: "Endpoints"},
	{Version: "v1", Kind: "PersistentVolumeClaim"},
	{Group: "batch", Version: "v1", Kind: "CronJob"},
	{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"},
	{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRole"},
	{Group: "autoscaling", Version: "v2", Kind: "HorizontalPodAutoscaler"},
	{Group: "admissionregistration.k8s.io", Version: "v1", Kind: "ValidatingWebhookConfiguration"},
	{Group: "flowcontrol.apiserver.k8s.io", Version: "v1", Kind: "PriorityLevelConfiguration"},
}

func generateStrategic(r random) any {
	kind := patched[r.IntN(len(patched))]
	if r.one(4) {
		all := kinds()
		kind = all[r.IntN(len(all))]
	}
	fill := filler{random: r, fullness: pick(r, 8, 20, 35)}
	whole := fill.object(kind)
	change := fill.object(kind)
	if r.one(2) {
		// A part of the object itself, somewhat changed.
		change = clone(whole).(object)
	}
	if r.one(15) {
		fill.odd = 30
		change = fill.object(kind)
	}
	delete(change, "apiVersion")
	delete(change, "kind")
	directed(r, change, whole, pick(r, 4, 8, 20))
	return object{"group": kind.Group, "version": kind.Version, "kind": kind.Kind, "original": whole, "patch": change}
}

// directed puts directives and nulls into a patch, and leaves parts out.
func directed(r random, patch, live object, oneIn int) {
	for _, key := range keys(patch) {
		of, _ := live[key].(object)
		items, _ := live[key].([]any)
		switch value := patch[key].(type) {
		case object:
			directed(r, value, of, oneIn)
		case []any:
			directedList(r, patch, key, value, items, oneIn)
		}
		if r.one(oneIn * 2) {
			delete(patch, key)
		} else if r.one(oneIn * 2) {
			patch[key] = nil
		}
	}
	if r.one(oneIn * 3) {
		patch["$patch"] = pick[any](r, "replace", "delete", "merge", "replace", "delete", "odd", 1)
	}
	if r.one(oneIn * 3) {
		patch["$retainKeys"] = pick[any](r, names(r, keys(patch)), names(r, keys(patch)), names(r, append(keys(patch), keys(live)...)), []any{"type"}, "type", []any{1})
	}
}

func names(r random, of []string) []any {
	found := []any{}
	for _, each := range of {
		if len(each) > 0 && each[0] != '$' {
			found = append(found, each)
		}
	}
	if r.one(4) {
		found = append(found, "rollingUpdate")
	}
	return found
}

func directedList(r random, patch object, key string, list, live []any, oneIn int) {
	plain := false
	for _, each := range list {
		if each, ok := each.(object); ok {
			directed(r, each, object{}, oneIn*2)
		} else {
			plain = true
		}
	}
	if r.one(oneIn * 2) {
		list = append(list, object{"$patch": pick[any](r, "replace", "delete", "merge", "replace", "odd")})
		if r.one(2) {
			list[0], list[len(list)-1] = list[len(list)-1], list[0]
		}
	}
	if r.one(oneIn) && !plain {
		for _, each := range some(r, live, 2) {
			if each, ok := each.(object); ok {
				deleted := object{"$patch": "delete"}
				for _, name := range []string{"name", "containerPort", "port", "mountPath", "type", "uid", "ip", "key", "topologyKey", "devicePath", "protocol"} {
					if value, has := each[name]; has {
						deleted[name] = value
					}
				}
				list = append(list, deleted)
			}
		}
	}
	patch[key] = list
	if r.one(oneIn) {
		var order []any
		for _, each := range append(append([]any{}, list...), some(r, live, 2)...) {
			if each, ok := each.(object); ok {
				part := object{}
				for _, name := range []string{"name", "containerPort", "port", "mountPath", "type", "uid", "ip", "key", "topologyKey", "devicePath"} {
					if value, has := each[name]; has && !r.one(20) {
						part[name] = value
					}
				}
				order = append(order, part)
			} else {
				order = append(order, each)
			}
		}
		if r.one(3) {
			r.Shuffle(len(order), func(left, right int) { order[left], order[right] = order[right], order[left] })
		}
		patch["$setElementOrder/"+key] = pick[any](r, order, order, order, order, order, order, order, "odd")
	}
	if plain && r.one(oneIn) || r.one(oneIn*20) {
		patch["$deleteFromPrimitiveList/"+key] = pick[any](r, some(r, live, 2), []any{"a", "x/a"}, live, live, "odd", []any{object{"name": "a"}})
		if r.one(2) {
			delete(patch, key)
		}
	}
}

func answerStrategic(given any) any {
	asked := given.(object)
	kind := schema.GroupVersionKind{Group: asked["group"].(string), Version: asked["version"].(string), Kind: asked["kind"].(string)}
	of, err := scheme.Scheme.New(kind)
	if err != nil {
		return err.Error()
	}
	if _, ok := asked["original"].(object); !ok {
		return "malformed"
	}
	if _, ok := asked["patch"].(object); !ok {
		return "malformed"
	}
	original, _ := json.Marshal(asked["original"])
	patch, _ := json.Marshal(asked["patch"])
	var live, change map[string]any
	_ = unmarshal(original, &live)
	_ = unmarshal(patch, &change)
	result, err := strategicpatch.StrategicMergeMapPatch(live, change, reflect.ValueOf(of).Elem().Interface())
	if err == nil {
		return result
	}
	switch err {
	case mergepatch.ErrBadJSONDoc, mergepatch.ErrBadPatchFormatForPrimitiveList, mergepatch.ErrBadPatchFormatForRetainKeys,
		mergepatch.ErrBadPatchFormatForSetElementOrderList, mergepatch.ErrUnsupportedStrategicMergePatchFormat:
		return "400 " + err.Error()
	case mergepatch.ErrNoListOfLists, mergepatch.ErrPatchContentNotMatchRetainKeys:
		return "422 " + err.Error()
	}
	return "500 " + err.Error()
}
