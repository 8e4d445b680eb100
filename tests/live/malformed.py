#!/usr/bin/env python3
"""Malformed requests to our server and to a real one: answers of the same class (code and reason), and no panic of ours.

  REAL_CLUSTER=DIR REAL_CLUSTER_BIN=DIR tests/live/malformed.py [--seed N] [--requests N] [--port N] [--keep FILE]

Fuzzed paths, queries, headers and bodies (JSON, YAML, protobuf): truncated, deep, huge, no UTF-8, of another type than they say.
Prints `requests | differences by class`. --keep writes the requests and the real server's classes for the test that needs no real
server (host/apiserver/tests/malformed.txt)."""
import argparse, base64, collections, json, random, re, sys
import servers

PATHS = ["/", "/api", "/apis", "/api/v1", "/api/v1/namespaces", "/api/v1/namespaces/default", "/api/v1/namespaces/default/configmaps", "/api/v1/namespaces/default/configmaps/a",
         "/api/v1/namespaces/default/pods/a/log", "/api/v1/namespaces/default/pods/a/status", "/apis/apps/v1/namespaces/default/deployments", "/apis/apps/v1/deployments",
         "/apis/apps/v1/namespaces/default/deployments/a/scale", "/apis/rbac.authorization.k8s.io/v1/clusterroles", "/version", "/healthz", "/openapi/v3", "/openapi/v2",
         "/api/v1/watch/namespaces/default/configmaps", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", "/apis/nope.example.com/v1/things"]
SPICE = ["//", "/../", "/./", "%2F", "%00", "%zz", "%", "ü", "%C3%BC", "%FF", ";", "'", "x" * 300, "..", "%2e%2e", "*", "~", "@", ":", "A", " ", "%20", "{}", "?", "&&", "=", "\\"]
QUERIES = ["limit=", "continue=", "labelSelector=", "fieldSelector=", "resourceVersion=", "resourceVersionMatch=", "timeoutSeconds=", "watch=", "dryRun=", "fieldManager=",
           "fieldValidation=", "force=", "gracePeriodSeconds=", "propagationPolicy=", "pretty=", "sendInitialEvents=", "allowWatchBookmarks=", "orphanDependents=", ""]
VALUES = ["", "-1", "0", "1", "x", "true", "99999999999999999999", "1e9", "%00", "%FF", "%", "a=b,c", "a in (", "metadata.name=a", "All", "Strict", "Exact", "{}", "x" * 2000, "\u00fc", "1&limit=2", "null"]
TYPES = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "application/merge-patch+json", "application/json-patch+json", "application/strategic-merge-patch+json",
         "application/apply-patch+yaml", "text/plain", "application/x-www-form-urlencoded", "", "application/json; charset=latin1", "application/", "a/b/c", "application/cbor"]
ACCEPTS = ["application/json", "*/*", "", "application/yaml", "application/vnd.kubernetes.protobuf", "text/html", "application/json;as=Table;v=v1;g=meta.k8s.io", "application/json;as=Nope;v=v1;g=meta.k8s.io",
           "application/json;q=0", ",,,", "*", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v9", "x" * 500]
GOOD = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {"a": "b"}}, "data": {"k": "v"}}


def bodies(rng):
    text = json.dumps(GOOD)
    cut = text[: rng.randint(0, len(text))]
    deep = rng.choice([50, 500, 20000])
    at = rng.randint(0, len(text) - 1)
    protobuf = b"k8s\x00" + bytes(rng.randrange(256) for _ in range(rng.randint(0, 60)))
    return rng.choice([text, cut, "", "{}", "[]", "null", "1", '"x"', "[" * deep, '{"a":' * deep, '{"metadata":' + "[" * deep + "]" * deep + "}",
                       text.replace('"v1"', rng.choice(["1", "null", "[]", '"v9"', '""'])), text.replace('"a"', rng.choice(["1e400", "-0", "1" * 400, "true", "{}", '"\\ud800"', '"\\u0000"'])),
                       text[:at] + rng.choice('{}[]",:0\\\x00\x01') + text[at:], text[:at] + text[at + 1:], text.replace("ConfigMap", rng.choice(["Secret", "List", "", "Status", "x" * 3000])),
                       "a: &x [*x]", "a: !!binary x", "- a\n- b", "a: b\n c: d\n\t", "? {", "%YAML 9", "---\n---\n", "{a: b", "'", "&a *b", "a: 1\na: 2",
                       b"\xff\xfe" + text.encode(), text.encode()[:-5] + b"\xc3\x28\"}}", b"\x00" * 40, protobuf, b"k8s\x00", b"k8s", b"k8s\x00\x0a\xff\xff\xff\xff\x0f",
                       b"k8s\x00" + base64.b64decode("Cg8KAnYxEglDb25maWdNYXASCgoICgFhEgAaACI="), '[{"op":"add"}]', '[{"op":"x","path":"/a"}]', '[{"op":"remove","path":"/nope/1"}]', '{"metadata":null}',
                       '{"spec":{"replicas":1e100}}', '{"data":' + "1" * 50 + "}", text + text, text + "x", " " * 1000 + text])


def request(rng):
    path = rng.choice(PATHS)
    for _ in range(rng.choice([0, 0, 1, 1, 2])):
        at = rng.randint(1, len(path))
        path = path[:at] + rng.choice(SPICE) + path[at:]
    if rng.random() < 0.4:
        path += "?" + "&".join(rng.choice(QUERIES) + rng.choice(VALUES) for _ in range(rng.randint(1, 3)))
    path = path.replace(" ", "%20") if rng.random() < 0.9 else path
    method = rng.choice(["GET"] * 4 + ["POST"] * 4 + ["PUT", "PATCH", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "NOPE"])
    body = bodies(rng) if method in ("POST", "PUT", "PATCH", "DELETE") else b""
    headers = {"Content-Type": rng.choice(TYPES) if rng.random() < 0.5 else "application/merge-patch+json" if method == "PATCH" else "application/json"}
    if rng.random() < 0.3:
        headers["Accept"] = rng.choice(ACCEPTS)
    if rng.random() < 0.03:
        headers[rng.choice(["Impersonate-User", "If-None-Match", "Accept-Encoding", "Expect", "Range", "X-Odd", "Content-Encoding"])] = rng.choice(["x", "", "gzip", "bytes=0-1", "\u00e9"])
    return {"method": method, "path": path, "headers": headers, "body": base64.b64encode(body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")).decode()}


def ask(server, one):
    """Raw, so that nothing is put right on the way: code and reason, or how the connection ended."""
    body = base64.b64decode(one["body"])
    head = f"{one['method']} {one['path']} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer admin-token\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in one["headers"].items()) + "\r\n"
    import socket
    try:
        with servers.TLS.wrap_socket(socket.create_connection(("127.0.0.1", server.port), timeout=3)) as stream:
            stream.sendall(head.encode("utf-8", "surrogatepass") + body)
            got = b""
            while chunk := stream.recv(65536):
                got += chunk
                if len(got) > 400000 or b"transfer-encoding: chunked" in got.lower() and (got.endswith(b"0\r\n\r\n") or b"watch" in one["path"].encode() and b"\r\n\r\n" in got):
                    break
    except OSError as error:
        if not locals().get("got"):
            return "no answer " + type(error).__name__, ""
    code = got.split(b" ", 2)[1].decode() if got.count(b" ") > 1 else "?"
    reason = re.search(rb'"reason":\s*"(\w*)"', got.split(b"\r\n\r\n", 1)[-1]) if int(code) >= 400 else None
    message = re.search(rb'"message":\s*"((?:[^"\\]|\\.)*)"', got)
    return code + " " + (reason[1].decode() if reason else ""), (message[1].decode("utf-8", "replace") if message else "")[:160]


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("--seed", type=int, default=1)
    parse.add_argument("--requests", type=int, default=10000)
    parse.add_argument("--port", type=int, default=18320)
    parse.add_argument("--keep")
    parse.add_argument("--show", type=int, default=80)
    given = parse.parse_args()
    pair = servers.Pair(given.port)
    try:
        sys.exit(run(pair, given))
    finally:
        pair.close()


def run(pair, given):
    rng = random.Random(given.seed)
    classes, examples, kept = collections.Counter(), {}, []
    for number in range(given.requests):
        one = request(rng)
        (real, why), (ours, why_ours) = ask(pair.real, one), ask(pair.ours, one)
        kept.append(json.dumps(dict(one, answer=real)))
        if real != ours:
            name = f"{one['method']} real {real} ours {ours}"
            classes[name] += 1
            examples.setdefault(name, []).append((one, why, why_ours))
    print(f"seed {given.seed}: {given.requests} requests | {sum(classes.values())} differences, {len(classes)} classes")
    for name, count in classes.most_common(given.show):
        one, why, why_ours = examples[name][0]
        print(f"{count:5} {name}\n      {one['path'][:200]} {one['headers']} {base64.b64decode(one['body'])[:120]!r}\n      real {why}\n      ours {why_ours}")
    if given.keep:
        large = [line for line in kept if len(line) >= 900]  # a few of them say it all
        open(given.keep, "w").write("\n".join([line for line in kept if len(line) < 900] + [line for line in large[:6] if len(line) < 60000]) + "\n")
    return bool(classes)


if __name__ == "__main__":
    main()
