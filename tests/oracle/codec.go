package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	jsoncodec "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/kubernetes/scheme"
)

func unmarshal(from []byte, into any) error { return utiljson.Unmarshal(from, into) }

var (
	jsonCodec  = jsoncodec.NewSerializerWithOptions(jsoncodec.DefaultMetaFactory, scheme.Scheme, scheme.Scheme, jsoncodec.SerializerOptions{})
	strict     = jsoncodec.NewSerializerWithOptions(jsoncodec.DefaultMetaFactory, scheme.Scheme, scheme.Scheme, jsoncodec.SerializerOptions{Strict: true})
	protoCodec = protobuf.NewSerializer(scheme.Scheme, scheme.Scheme)
)

func generateCodec(r random) any {
	all := kinds()
	fill := filler{random: r, fullness: pick(r, 5, 15, 30, 50)}
	if r.one(10) {
		fill.odd = 60
	}
	return fill.object(all[r.IntN(len(all))])
}

// A JSON object as it is read and written again, as protobuf, and as JSON read from that.
func answerCodec(given any) any {
	asked := given.(object)
	version, _ := asked["apiVersion"].(string)
	kind, _ := asked["kind"].(string)
	wanted := schema.FromAPIVersionAndKind(version, kind)
	from, _ := json.Marshal(asked)
	decoded, _, err := jsonCodec.Decode(from, &wanted, nil)
	if err != nil {
		return err.Error()
	}
	var out, encoded, again bytes.Buffer
	if err := jsonCodec.Encode(decoded, &out); err != nil {
		return err.Error()
	}
	answer := object{"json": out.String()}
	if _, _, err := strict.Decode(from, &wanted, nil); err != nil {
		if told, ok := runtime.AsStrictDecodingError(err); ok {
			var unknown []any
			for _, each := range told.Errors() {
				unknown = append(unknown, each.Error())
			}
			answer["unknown"] = unknown
		}
	}
	if err := protoCodec.Encode(decoded, &encoded); err != nil {
		answer["protobuf"] = err.Error()
		return answer
	}
	answer["protobuf"] = base64.StdEncoding.EncodeToString(encoded.Bytes())
	back, _, err := protoCodec.Decode(encoded.Bytes(), &wanted, nil)
	if err != nil {
		answer["back"] = err.Error()
		return answer
	}
	if err := jsonCodec.Encode(back, &again); err != nil {
		answer["back"] = err.Error()
		return answer
	}
	answer["back"] = again.String()
	return answer
}
