"""Answers after masking what may differ: uids, times, versions (whose order must agree), addresses that the server gives."""
import json, pathlib, re

# What to replace by what, in this order; the tests that need no real server use the same list. Among it is Go's own notation of
# its internal types, and the output of its differ, which changes from run to run on purpose.
MASKS = [(re.compile(pattern), re.sub(r"\$\{?(\d)\}?", r"\\g<\1>", by)) for pattern, by in
         json.loads(pathlib.Path(__file__).with_name("masks.json").read_text())]
HEADERS = ["content-type", "warning", "allow", "retry-after"]


def masked_text(text):
    for pattern, by in MASKS:
        text = pattern.sub(by, text)
    return text


class Versions:
    """Versions by the order in which they are first seen; lists' own versions are not of an object and say only `V`."""

    def __init__(self):
        self.seen, self.order = {}, []

    def of(self, version):
        if version not in self.seen:
            self.seen[version] = f"v{len(self.seen)}"
            if version.isdigit():
                self.order.append(int(version))
        return self.seen[version]

    def rank(self):
        place = {version: at for at, version in enumerate(sorted(self.order))}
        return [place[version] for version in self.order]


def mask(value, versions, key=""):
    if isinstance(value, dict):
        is_list = str(value.get("kind", "")).endswith("List") and "items" in value
        out = {}
        for name, held in value.items():
            if name == "resourceVersion" and isinstance(held, str) and key == "metadata":
                out[name] = versions.of(held)
            elif name == "metadata" and is_list and isinstance(held, dict):
                out[name] = {inner: "V" if inner in ("resourceVersion", "continue") else what for inner, what in held.items()}
            elif name == "object" and isinstance(held, dict) and value.get("type") == "BOOKMARK":
                out[name] = {"bookmark": held.get("kind"), "annotations": held.get("metadata", {}).get("annotations")}
            elif name in ("nodePort", "healthCheckNodePort") and isinstance(held, int) and 30000 <= held < 32768:
                out[name] = 1
            else:
                out[masked_text(name)] = mask(held, versions, name)
        return out
    if isinstance(value, list):
        return [mask(held, versions, key) for held in value]
    return masked_text(value) if isinstance(value, str) else value


def causes_in_order(status):
    """Causes of one map come in Go's random order."""
    if isinstance(status, dict) and status.get("kind") == "Status" and status.get("reason") == "Invalid":
        causes = (status.get("details") or {}).get("causes") or []
        if len(causes) > 1:
            fields = [re.sub(r"\[[^\]]*\]$", "", cause.get("field", "")) for cause in causes]
            if len(set(fields)) < len(fields):
                causes.sort(key=lambda cause: json.dumps(cause))
                status["message"] = ", ".join(sorted(re.split(r", (?=[\w\[\].<>-]+: )|: \[", status["message"].rstrip("]"))))
    return status


def masked(answer, versions, step):
    """What is compared of an answer: code, headers, documents."""
    if answer is None:
        return {"code": None}
    headers = sorted((name.lower(), masked_text(held)) for name, held in answer.headers if name.lower() in HEADERS)
    out = {"code": answer.code, "headers": [list(pair) for pair in headers]}
    if step.get("only") == "code":
        return out
    text = answer.body.decode("utf-8", "replace")
    if step["method"] == "WATCH" and answer.code == 200:
        documents = [json.loads(line) for line in text.splitlines() if line.strip()]
    else:
        try:
            documents = json.loads(text)
        except ValueError:
            out["body"] = re.sub(r'resourceVersion: "?\d+"?', "resourceVersion: V", masked_text(text))
            return out
    documents = mask(documents, versions)
    out["body"] = causes_in_order(documents)
    return out


def first_difference(real, ours, at=""):
    """Where two documents part, and what stands there."""
    if type(real) is not type(ours):
        return at, real, ours
    if isinstance(real, dict):
        for key in real:
            if key not in ours:
                return f"{at}.{key}", real[key], None
        for key in ours:
            if key not in real:
                return f"{at}.{key}", None, ours[key]
        for key in real:
            if found := first_difference(real[key], ours[key], f"{at}.{key}"):
                return found
        if list(real) != list(ours):
            return at + " order", list(real), list(ours)
        return None
    if isinstance(real, list):
        for index, (one, other) in enumerate(zip(real, ours)):
            if found := first_difference(one, other, f"{at}[{index}]"):
                return found
        return None if len(real) == len(ours) else (at + " length", real, ours)
    return None if real == ours else (at, real, ours)


def short(value):
    return json.dumps(value)[:300]


def kind_of(step):
    parts = step["path"].split("/")
    where = parts[parts.index("namespaces") + 2:] if "namespaces" in parts and len(parts) > parts.index("namespaces") + 2 else parts[-2:] if parts[-1][:2] in ("a-", "b-") else parts[-1:]
    return where[0] + ("/" + where[2] if len(where) > 2 else "")


def title(step, real, ours):
    """The class of a difference: what was asked, and where the answers part."""
    what = f"{step['method']} {kind_of(step)} {step.get('type', '').replace('application/', '')}"
    if real["code"] != ours["code"]:
        message = lambda side: re.sub(r'"[^"]*"|\d+', "_", str(side["body"].get("message", "") if isinstance(side.get("body"), dict) else side.get("body"))[:400])
        return f"{what}: code {real['code']} for {ours['code']}: {message(real if real['code'] >= 400 else ours)[-160:]}"
    at, one, other = first_difference(real, ours)
    if "message" in at:
        one = re.sub(r'"[^"]*"|\d+', "_", str(one))
        return f"{what}: {re.sub(r'[0-9]+', 'N', at)}: {one[-160:]}"
    return f"{what}: {re.sub(r'[0-9]+', 'N', at)}"
