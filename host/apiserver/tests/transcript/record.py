"""Asks a real server the requests of a transcript and writes its answers into it: record.py PORT TOKEN < IN > OUT.

The server must be fresh: kube-apiserver of the emulated release without controllers, TLS on 127.0.0.1:PORT, TOKEN of
a user in system:masters. One request a line, as JSON; `keep` names an answer, `{name.path.to.field}` in a path or a
body stands for a field of it, a body with `$from` is a kept object with the rest merged into it, and `until` asks
again until the answer is no failure (or, for a request that is no GET, is one)."""
import http.client, json, re, ssl, sys, time

PORT, TOKEN = int(sys.argv[1]), sys.argv[2]
HEADERS = ["content-type", "warning", "retry-after", "allow"]
kept = {}


def fill(text):
    def field(match):
        name, *path = match[1].split(".")
        value = kept[name]
        for part in path:
            value = value[part]
        return str(value)

    return re.sub(r"\{([a-z]+\.[A-Za-z.]+)\}", field, text)


def merge(into, patch):
    for key, value in patch.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict):
            merge(into.setdefault(key, {}), value)
        else:
            into[key] = value


def body(exchange):
    body = exchange.get("body")
    if isinstance(body, dict) and "$from" in body:
        whole = json.loads(json.dumps(kept[body["$from"]]))
        merge(whole, {key: value for key, value in body.items() if key != "$from"})
        body = whole
    return body if body is None or isinstance(body, str) else fill(json.dumps(body))


def ask(exchange):
    connection = http.client.HTTPSConnection("127.0.0.1", PORT, context=ssl._create_unverified_context(), timeout=60)
    headers = {"Authorization": f"Bearer {TOKEN}", "Accept": exchange.get("accept", "application/json")}
    if "content-type" in exchange:
        headers["Content-Type"] = exchange["content-type"]
    connection.request(exchange["method"], fill(exchange["path"]), body(exchange), headers)
    answer = connection.getresponse()
    text = answer.read().decode("utf-8", "backslashreplace")
    connection.close()
    return answer, text


for line in sys.stdin:
    exchange = json.loads(line)
    exchange.pop("answer", None)
    while True:
        answer, text = ask(exchange)
        if "until" not in exchange or (answer.status < 400) == (exchange["method"] == "GET"):
            break
        time.sleep(0.1)
    if "keep" in exchange:
        kept[exchange["keep"]] = json.loads(text)
        kept[exchange["keep"]]["metadata"].pop("managedFields", None)
    found = {name: answer.getheader(name) for name in HEADERS if answer.getheader(name)}
    exchange["answer"] = {"status": answer.status, "headers": found, "body": text}
    print(json.dumps(exchange, ensure_ascii=False))
