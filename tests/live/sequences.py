"""Sequences of requests from a seed: what clients do, with some share of mistakes.

A step is a dictionary that both servers are asked alike. `${K/POINTER}` in a path, a query or a body stands for what that server
answered to step K; `of` and `edits` make a body from such an answer."""
import copy, json, random
from kinds import DEFINITIONS, KINDS, LABELS, widgets

WRONG = {
    str: ["", "A_b", "-x", "x" * 64, "x" * 254, "a/b", "a b", "ü", 7, None, {}, ["a"]],
    int: [-1, 0, 1, 70000, 2**31, 2**40, "5", 1.5, None, True],
    bool: ["true", 1, None],
    list: [[], None, {}, "x", "TWICE", [None]],
    dict: [{}, None, [], "x", "UNKNOWN"],
    type(None): ["x", {}, 1],
}
NAMES = ["", "A_b", "-x", "x" * 64, "x" * 254, "a.b", "a/b", "1a"]
MERGE, STRATEGIC, JSON_PATCH, APPLY = "application/merge-patch+json", "application/strategic-merge-patch+json", "application/json-patch+json", "application/apply-patch+yaml"


def places(value, at=()):
    """Every place below `value`, the deeper ones more often seen than the few at the top."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, held in items:
        yield at + (key,), held
        yield from places(held, at + (key,))


def spoil(rng, body):
    """One mistake somewhere in the object, identity aside."""
    found = [(at, held) for at, held in places(body) if at[0] not in ("apiVersion", "kind") and at != ("metadata",) and at != ("metadata", "name")]
    if not found:
        return
    at, held = rng.choice(found)
    outer = body
    for key in at[:-1]:
        outer = outer[key]
    if rng.random() < 0.3:
        del outer[at[-1]]
        return
    wrong = rng.choice(WRONG[type(held)])
    if wrong == "TWICE":
        outer[at[-1]] = held + copy.deepcopy(held)
    elif wrong == "UNKNOWN":
        held["unknown"] = rng.choice([1, {"a": "b"}])
    else:
        outer[at[-1]] = wrong


def pointer(at):
    return "/" + "/".join(str(key).replace("~", "~0").replace("/", "~1") for key in at)


class Maker:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.seed, self.namespace, self.steps = seed, f"live-{seed}", []
        self.objects = []  # (kind, name)
        self.mistakes = self.rng.choice([0.05, 0.15, 0.4])

    def add(self, **step):
        step["id"] = len(self.steps)
        self.steps.append({key: value for key, value in step.items() if value not in (None, "")})
        return step["id"]

    def wrong(self):
        return self.rng.random() < self.mistakes

    def sequence(self):
        rng = self.rng
        self.add(method="POST", path="/api/v1/namespaces", type="application/json", body={"metadata": {"name": self.namespace}})
        kinds = [kind for kind in KINDS for _ in range(kind.weight)]
        self.kinds = [rng.choice(kinds) for _ in range(rng.randint(1, 4))]
        if rng.random() < 0.12:
            self.define()
        for kind in self.kinds[:2]:
            self.create(kind)
        acts = [(self.create, 5), (self.update, 5), (self.patch, 6), (self.apply, 5), (self.status, 3), (self.scale, 1), (self.delete, 3), (self.collection, 1),
                (self.list, 3), (self.pages, 1), (self.get, 2), (self.watch, 1), (self.odd, 1), (self.special, 2)]
        acts = [act for act, weight in acts for _ in range(weight)]
        size = rng.randint(10, 40)
        while len(self.steps) < size:
            rng.choice(acts)(rng.choice(self.kinds))
        return self.steps

    # What each request is made of.

    def name(self, kind):
        name = self.rng.choice("ab" if self.rng.random() < 0.9 else "cd")
        return f"{name}.g{self.seed}.example.com" if kind is DEFINITIONS else f"{name}-{self.seed}" if kind.cluster else name

    def object(self, kind, name):
        rng = self.rng
        body = {"apiVersion": kind.api, "kind": kind.kind, "metadata": {"name": name}}
        labels = rng.choice(LABELS)
        if labels:
            body["metadata"]["labels"] = dict(labels)
        if kind.cluster:
            body["metadata"].setdefault("labels", {})["seq"] = str(self.seed)
        if rng.random() < 0.15:
            body["metadata"]["annotations"] = {"example.com/note": "x"}
        if rng.random() < 0.1:
            body["metadata"]["finalizers"] = ["example.com/hold"]
        if rng.random() < 0.06:
            body["metadata"]["ownerReferences"] = [{"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u", **rng.choice([{}, {"controller": True}])}]
        made = json.loads(json.dumps(kind.make(rng, name)).replace('"NS"', json.dumps(self.namespace)))
        body.update(made)
        return body

    def options(self, **more):
        rng, query = self.rng, []
        if rng.random() < 0.15:
            query.append("fieldValidation=" + rng.choice(["Strict", "Warn", "Ignore"] + ["Bad"] * self.wrong()))
        if rng.random() < 0.08:
            query.append("dryRun=" + ("Some" if self.wrong() else "All"))
        if "manager" in more:
            query.append("fieldManager=" + more["manager"])
        elif rng.random() < 0.15:
            query.append("fieldManager=" + rng.choice(["m1", "m2", "x" * 129]))
        return "&".join(query)

    def some(self, kind):
        """A name that probably exists."""
        names = [name for held, name in self.objects if held is kind]
        return self.rng.choice(names) if names and self.rng.random() < 0.93 else self.name(kind)

    def create(self, kind):
        if kind is DEFINITIONS:
            return
        rng, name = self.rng, self.name(kind)
        body = self.object(kind, name)
        if rng.random() < 0.08:
            del body["metadata"]["name"]
            if not self.wrong():
                body["metadata"]["generateName"] = "gen-" if rng.random() < 0.7 else "x" * 61 + "-"
        if self.wrong():
            if rng.random() < 0.15:
                body["metadata"]["name"] = rng.choice(NAMES)
            elif rng.random() < 0.1:
                body["metadata"].update(rng.choice([{"namespace": "other"}, {"resourceVersion": "5"}, {"uid": "abc", "generation": 9, "selfLink": "/x"},
                                                    {"deletionTimestamp": "2001-01-01T00:00:00Z"}, {"creationTimestamp": "x"}]))
            elif rng.random() < 0.1:
                body.update(rng.choice([{"kind": "Other"}, {"apiVersion": "v9"}, {"kind": ""}, {"apiVersion": ""}]))
            else:
                for _ in range(rng.choice([1, 1, 1, 2])):
                    spoil(rng, body)
        else:
            self.objects.append((kind, name))
        self.add(method="POST", path=kind.root(self.namespace), query=self.options(), type="application/json", body=body)

    def change(self, kind, body=None):
        """Edits as (place, value), most of them good ones."""
        rng = self.rng
        spare = self.object(kind, "x")
        choices = [(("metadata", "labels", "changed"), rng.choice(["1", "2"])), (("metadata", "labels", "app"), rng.choice(["a", "b"])),
                   (("metadata", "annotations", "example.com/n"), rng.choice(["1", "2"]))]
        found = [(at, held) for at, held in places(spare) if at[0] not in ("apiVersion", "kind", "metadata") and not isinstance(held, dict)]
        if kind is DEFINITIONS:
            found = []
        for _ in range(4):
            if found:
                choices.append(rng.choice(found))
        if rng.random() < 0.08:
            choices = [(("metadata", "finalizers"), rng.choice([[], ["example.com/hold"], ["example.com/hold", "example.com/more"], ["bad finalizer"]]))]
        at, held = rng.choice(choices)
        if self.wrong():
            held = rng.choice([wrong for wrong in WRONG[type(held)] if wrong not in ("TWICE", "UNKNOWN")])
        return at, held

    def update(self, kind):
        rng, name = self.rng, self.some(kind)
        if rng.random() < 0.15:
            body = self.object(kind, name if not self.wrong() else "other")
            self.add(method="PUT", path=kind.root(self.namespace) + "/" + name, query=self.options(), type="application/json", body=body)
            return
        base = self.get(kind, name)
        edits = [[pointer(at), value] for at, value in [self.change(kind) for _ in range(rng.randint(0, 2))]]
        dice = rng.random()
        if dice < 0.2:
            edits.append(["/metadata/resourceVersion"])
        elif dice < 0.27:
            edits.append(["/metadata/resourceVersion", rng.choice(["1", "x", "0", ""])])
        elif dice < 0.3:
            edits.append(["/metadata/uid", "00000000-0000-0000-0000-000000000000"])
        elif dice < 0.34:
            edits.append(["/metadata/managedFields", rng.choice([[], [{}]])])
        step = dict(method="PUT", path=kind.root(self.namespace) + "/" + name, query=self.options(), type="application/json", of=base, edits=edits)
        self.add(**step)
        if rng.random() < 0.1:
            self.add(**{key: value for key, value in step.items() if key != "id"})

    def patch(self, kind):
        rng, name = self.rng, self.some(kind)
        sort = rng.choice([MERGE, MERGE, STRATEGIC, JSON_PATCH])
        path = kind.root(self.namespace) + "/" + name
        if sort == JSON_PATCH:
            body = []
            for _ in range(rng.randint(1, 2)):
                at, value = self.change(kind)
                body.append(rng.choice([{"op": "add", "path": pointer(at), "value": value}, {"op": "replace", "path": pointer(at), "value": value},
                                        {"op": "remove", "path": pointer(at)}, {"op": "test", "path": pointer(at), "value": value}]))
            if self.wrong():
                body = rng.choice([{}, [{"op": "bad", "path": "/x"}], [{"op": "add"}], "x", [{"op": "add", "path": "x", "value": 1}], [1]])
        else:
            body = {}
            for _ in range(rng.randint(1, 2)):
                at, value = self.change(kind)
                at = at[: next((i for i, key in enumerate(at) if isinstance(key, int)), len(at))]
                held = body
                for key in at[:-1]:
                    held = held.setdefault(key, {})
                    if not isinstance(held, dict):
                        break
                if isinstance(held, dict) and at:
                    spare = dict(places(self.object(kind, "x"))) if isinstance(value, (str, int)) and rng.random() < 0.5 else {}
                    held[at[-1]] = rng.choice([None, value]) if rng.random() < 0.2 else spare.get(at, value)
            if rng.random() < 0.05:
                body.setdefault("metadata", {})
                if isinstance(body["metadata"], dict):
                    body["metadata"].update(rng.choice([{"resourceVersion": "1"}, {"name": "other"}, {"uid": "x"}]))
            if self.wrong() and rng.random() < 0.3:
                body = rng.choice([[], "x", 1, {"spec": 1}, {"metadata": {"labels": 1}}, {"kind": "Other"}, {"apiVersion": "v9"}])
        query = self.options()
        if rng.random() < 0.03:
            query += "&force=true"
        self.add(method="PATCH", path=path, query=query, type=sort if rng.random() < 0.97 else "application/json", body=body)

    def apply(self, kind):
        if kind is DEFINITIONS:
            return
        rng, name = self.rng, self.some(kind)
        body = self.object(kind, name)
        body["metadata"].pop("ownerReferences", None)
        if rng.random() < 0.3:
            found = [at for at, _ in places(body) if len(at) > 1 and at != ("metadata", "name")]
            if found:
                at = rng.choice(found)
                held = body
                for key in at[:-1]:
                    held = held[key]
                del held[at[-1]]
        if self.wrong():
            if rng.random() < 0.3:
                body = dict(body, **rng.choice([{"kind": ""}, {"apiVersion": ""}, {"apiVersion": "v9"}, {"metadata": {"name": "other"}},
                                                {"metadata": {"name": name, "managedFields": []}}, {"metadata": {"name": name, "uid": "x"}}]))
            else:
                spoil(rng, body)
        else:
            self.objects.append((kind, name))
        manager = rng.choice(["m1", "m1", "m2", "m3"])
        query = self.options(manager=manager) if rng.random() < 0.96 else self.options()
        if rng.random() < 0.3:
            query += "&force=true"
        self.add(method="PATCH", path=kind.root(self.namespace) + "/" + name, query=query.strip("&"), type=APPLY, body=body)

    def status(self, kind):
        rng = self.rng
        if not kind.status:
            return
        name = self.some(kind)
        path = kind.root(self.namespace) + "/" + name + "/status"
        status = copy.deepcopy(kind.status)
        if self.wrong():
            spoil(rng, status)
        body = {"apiVersion": kind.api, "kind": kind.kind, "metadata": {"name": name, "labels": {"s": "1"}}, "status": status}
        how = rng.choice(["put", MERGE, STRATEGIC, APPLY])
        if how == "put":
            base = self.get(kind, name)
            self.add(method="PUT", path=path, query=self.options(), type="application/json", of=base, edits=[["/status", status], ["/metadata/labels/s", "2"]])
        elif how == APPLY:
            self.add(method="PATCH", path=path, query=self.options(manager="st") + "&force=true", type=APPLY, body=body)
        else:
            self.add(method="PATCH", path=path, query=self.options(), type=how, body={"status": status, "metadata": {"labels": {"s": "3"}}})
        if rng.random() < 0.2:
            self.add(method="GET", path=path)

    def scale(self, kind):
        rng = self.rng
        path = kind.root(self.namespace) + "/" + self.some(kind) + "/scale"
        base = self.add(method="GET", path=path)
        if not kind.scale:
            return
        value = rng.choice([0, 3, 5]) if not self.wrong() else rng.choice([-1, "x", None, 2**31])
        if rng.random() < 0.5:
            self.add(method="PUT", path=path, query=self.options(), type="application/json", of=base, edits=[["/spec/replicas", value]])
        else:
            self.add(method="PATCH", path=path, query=self.options(), type=MERGE, body={"spec": {"replicas": value}})

    def delete_options(self):
        rng, body = self.rng, {}
        dice = rng.random()
        if dice < 0.2:
            body["propagationPolicy"] = rng.choice(["Foreground", "Background", "Orphan"] + ["Bad"] * self.wrong())
        elif dice < 0.25:
            body["orphanDependents"] = rng.random() < 0.5
        elif dice < 0.35:
            body["preconditions"] = rng.choice([{"uid": "x"}, {"resourceVersion": "1"}])
        elif dice < 0.4:
            body["gracePeriodSeconds"] = rng.choice([0, 10, -1])
        elif dice < 0.45:
            body["dryRun"] = ["All"]
        if self.wrong() and rng.random() < 0.3:
            body.update(rng.choice([{"gracePeriodSeconds": "x"}, {"preconditions": 1}, {"unknown": 1}, {"kind": "Other", "apiVersion": "v1"}]))
        return body

    def delete(self, kind):
        if kind is DEFINITIONS or kind.plural == "namespaces" and self.rng.random() < 0.5:
            return
        rng, name = self.rng, self.some(kind)
        path, body = kind.root(self.namespace) + "/" + name, self.delete_options()
        if rng.random() < 0.25:
            body, query = None, rng.choice(["propagationPolicy=Foreground", "propagationPolicy=Orphan", "gracePeriodSeconds=5", "dryRun=All", "propagationPolicy=Bad", ""])
            self.add(method="DELETE", path=path, query=query)
        else:
            self.add(method="DELETE", path=path, type="application/json", body=body)
        if rng.random() < 0.4:
            self.get(kind, name)

    def collection(self, kind):
        if kind.cluster:
            return
        query = self.rng.choice(["", "labelSelector=app%3Da", "fieldSelector=metadata.name%3Da", "labelSelector=%3D", "fieldSelector=bad%3Dx"])
        self.add(method="DELETE", path=kind.root(self.namespace), query=query, type="application/json", body=self.delete_options())

    def selectors(self, kind):
        rng = self.rng
        query = []
        if kind.cluster:
            query.append(f"labelSelector=seq%3D{self.seed}" + rng.choice(["", "%2Capp", "%2C!tier"]))
        elif rng.random() < 0.5:
            query.append("labelSelector=" + rng.choice(["app%3Da", "app!%3Da", "app+in+(a,b)", "!app", "tier+notin+(x)", "app", "changed%3E0"] + ["%3Da", "a+in", "a%3Db%3Dc"] * self.wrong()))
        if rng.random() < 0.25:
            query.append("fieldSelector=" + rng.choice(["metadata.name%3Da", "metadata.name!%3Da", f"metadata.namespace%3D{self.namespace}", "status.phase%3DPending", "spec.nodeName%3D",
                                                       "type%3DOpaque"] + ["bad%3Dx", "x"] * self.wrong()))
        return query

    def list(self, kind):
        rng, query = self.rng, self.selectors(kind)
        if rng.random() < 0.2:
            query.append(rng.choice(["resourceVersion=0", "resourceVersionMatch=NotOlderThan", "resourceVersion=x", "resourceVersion=0&resourceVersionMatch=Exact",
                                     "sendInitialEvents=true", "limit=-1", "limit=x", "timeoutSeconds=x", "resourceVersion=${0/metadata/resourceVersion}&resourceVersionMatch=Exact",
                                     "resourceVersion=${0/metadata/resourceVersion}&resourceVersionMatch=NotOlderThan", "continue=x", "resourceVersionMatch=Bad&resourceVersion=1"]))
        accept = rng.choice([None] * 8 + ["application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", "application/yaml"])
        self.add(method="GET", path=kind.root(self.namespace), query="&".join(query), accept=accept)

    def pages(self, kind):
        query = self.selectors(kind) + ["limit=1"]
        first = self.add(method="GET", path=kind.root(self.namespace), query="&".join(query))
        if self.rng.random() < 0.5:
            self.create(kind)
        for _ in range(2):
            self.add(method="GET", path=kind.root(self.namespace), query="&".join(query) + "&continue=${%d/metadata/continue}" % first)
            first = len(self.steps) - 1

    def get(self, kind, name=None):
        accept = self.rng.choice([None] * 12 + ["application/yaml", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"]) if name is None else None
        return self.add(method="GET", path=kind.root(self.namespace) + "/" + (name or self.some(kind)), accept=accept)

    def watch(self, kind):
        query = [one for one in self.selectors(kind) if "Selector" in one] + ["watch=1", "timeoutSeconds=20"]
        query.append(self.rng.choice(["resourceVersion=${0/metadata/resourceVersion}", "resourceVersion=0", "", "resourceVersion=${0/metadata/resourceVersion}&allowWatchBookmarks=true",
                                      "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"] + ["resourceVersion=x", "sendInitialEvents=true"] * self.wrong()))
        self.add(method="WATCH", path=kind.root(self.namespace), query="&".join(part for part in query if part))

    def odd(self, kind):
        """Methods and places that hardly anything has."""
        root = kind.root(self.namespace)
        self.add(**self.rng.choice([dict(method="POST", path=root + "/a", type="application/json", body={}), dict(method="PUT", path=root, type="application/json", body={}),
                                    dict(method="GET", path=root + "/a/nope"), dict(method="GET", path=root + "/a/status"), dict(method="PATCH", path=root, type=MERGE, body={}),
                                    dict(method="HEAD", path=root + "/a"), dict(method="OPTIONS", path=root), dict(method="GET", path=root + "x"),
                                    dict(method="POST", path=root, type="text/plain", body={}), dict(method="GET", path=root, accept="text/html"),
                                    dict(method="DELETE", path=root + "/a/status"), dict(method="POST", path=root, type="application/json", text="{"),
                                    dict(method="POST", path=root, type="application/yaml", text="metadata:\n  name: a\n  name: b\n"),
                                    dict(method="POST", path=root, type="application/json", text='{"metadata":{"name":"dup","name":"dup2"}}', query="fieldValidation=Strict")]))

    def special(self, kind):
        rng, name = self.rng, self.some(kind)
        path = kind.root(self.namespace) + "/" + name
        if kind.plural == "pods":
            which = rng.choice(["binding", "eviction", "ephemeral", "resize"])
            if which == "binding":
                self.add(method="POST", path=path + "/binding", type="application/json", body={"metadata": {"name": name}, "target": rng.choice([{"kind": "Node", "name": "n1"}, {"name": ""}, {}])})
            elif which == "eviction":
                self.add(method="POST", path=path + "/eviction", type="application/json", body={"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}})
            elif which == "ephemeral":
                self.add(method="PATCH", path=path + "/ephemeralcontainers", type=STRATEGIC, body={"spec": {"ephemeralContainers": [{"name": "debug", "image": rng.choice(["busybox", ""])}]}})
            self.get(kind, name)
        elif kind.plural == "serviceaccounts":
            self.add(method="POST", path=path + "/token", type="application/json", body={"spec": {"expirationSeconds": rng.choice([3600, 1])}}, only="code")
        elif kind.plural == "namespaces":
            base = self.get(kind, name)
            self.add(method="PUT", path=path + "/finalize", type="application/json", of=base, edits=[["/spec/finalizers", rng.choice([[], ["kubernetes"], ["example.com/x", "kubernetes"]])]])
        elif kind.plural == "configmaps" and rng.random() < 0.3:
            self.add(method="DELETE", path="/api/v1/namespaces/" + rng.choice([self.namespace, "default", "kube-system"]))
            self.create(kind)

    def define(self):
        """A definition, its objects, and the definition's own ways to be refused."""
        rng = self.rng
        group = f"g{self.seed}.example.com"
        name = "widgets." + group
        body = self.object(DEFINITIONS, name)
        body["metadata"].pop("ownerReferences", None)
        body["metadata"].pop("finalizers", None)
        for _ in range(rng.randint(0, 4)):
            bad = copy.deepcopy(body)
            spoil(rng, bad)
            self.add(method="POST", path=DEFINITIONS.root(""), query="dryRun=All", type="application/json", body=bad)
        self.add(method="POST", path=DEFINITIONS.root(""), type="application/json", body=body)
        self.add(method="AWAIT", path=widgets(group).root(self.namespace), of_definition=DEFINITIONS.root("") + "/" + name)
        self.kinds += [widgets(group)] * 3 + [widgets(group, "v1beta1"), DEFINITIONS]
        self.objects.append((DEFINITIONS, name))
