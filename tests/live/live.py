#!/usr/bin/env python3
"""Sequences of requests to our server and to a real kube-apiserver: answers, watches and the order of versions compared.

  REAL_CLUSTER=DIR REAL_CLUSTER_BIN=DIR tests/live/live.py [--seed N] [--requests N] [--port N] [--keep DIR]

REAL_CLUSTER holds the program `start BIN DIR PORT`, as tests/real-cluster says. Ours is the example `serve` of windlass-apiserver.
Prints `requests | differences by class`, each class shrunk to its shortest sequence; --keep writes these with the real answers as
tests that need no real server (host/apiserver/tests/recorded). Ends with 1 if there is any difference."""
import argparse, collections, concurrent.futures, json, os, pathlib, re, sys, time, urllib.parse
import compare, sequences, servers

HEADERS = {"Authorization": "Bearer admin-token", "User-Agent": "live/1"}
IDLE = float(os.environ.get("LIVE_IDLE", "0.25"))
HOLE = re.compile(r"\$\{(\d+)(/[^}]*)\}")


def look(document, pointer):
    for key in pointer.split("/")[1:]:
        key = key.replace("~1", "/").replace("~0", "~")
        try:
            document = document[int(key)] if isinstance(document, list) else document[key]
        except (KeyError, IndexError, TypeError, ValueError):
            return None
    return document


def fill(text, answers):
    def one(match):
        value = look(answers.get(int(match[1])), match[2])
        return "1" if value is None else str(value)
    return HOLE.sub(one, text)


def edit(document, pointer, *value):
    keys = [key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")[1:]]
    for key in keys[:-1]:
        if isinstance(document, list):
            if not key.isdigit() or int(key) >= len(document):
                return
            document = document[int(key)]
        elif isinstance(document, dict):
            if not isinstance(document.get(key), (dict, list)):
                document[key] = {}
            document = document[key]
        else:
            return
    last = keys[-1]
    if isinstance(document, list):
        if last.isdigit() and int(last) < len(document):
            document[int(last)] = value[0] if value else None
    elif isinstance(document, dict):
        if value:
            document[last] = value[0]
        else:
            document.pop(last, None)


def body_of(step, answers):
    if "text" in step:
        return step["text"]
    if "of" in step:
        base = json.loads(json.dumps(answers.get(step["of"]) or {}))
        if base.get("kind") == "Status":  # there was nothing: a client would send what it has
            base = {"metadata": {"name": step["path"].removesuffix("/status").removesuffix("/scale").removesuffix("/finalize").rsplit("/", 1)[-1]}}
        for change in step.get("edits", []):
            edit(base, *change)
        return json.dumps(base)
    return fill(json.dumps(step["body"]), answers) if "body" in step else None


def carry_out(server, steps):
    """One sequence on one server: the answers by step, watches as far as they came."""
    answers, documents, watches = {}, {}, {}
    for step in steps:
        path = step["path"] + ("?" + fill(step["query"], documents) if "query" in step else "")
        headers = dict(HEADERS)
        if "type" in step:
            headers["Content-Type"] = step["type"]
        headers["Accept"] = step.get("accept", "application/json")
        if step["method"] == "WATCH":
            watches[step["id"]] = server.watch(path, headers)
        elif step["method"] == "AWAIT":
            established(server, step, headers)
        else:
            answer = server.ask(step["method"], path, headers, body_of(step, documents))
            answers[step["id"]] = answer
            documents[step["id"]] = answer.json()
    for at, watch in watches.items():
        answers[at] = watch.end(IDLE)
        watch.close()
    return answers


def established(server, step, headers):
    for _ in range(100):
        crd = server.ask("GET", step["of_definition"], headers, None)
        if crd.code == 404:
            return
        conditions = (crd.json().get("status") or {}).get("conditions") or []
        if any(held["type"] == "Established" and held["status"] == "True" for held in conditions) and server.ask("GET", step["path"], headers, None).code == 200:
            time.sleep(0.1)
            return
        time.sleep(0.05)


POOL = concurrent.futures.ThreadPoolExecutor(2)


def both(pair, steps):
    """Masked answers of both by step, real first, and the order of versions."""
    real, ours = POOL.map(lambda server: carry_out(server, steps), [pair.real, pair.ours])
    sides = []
    for answers in (real, ours):
        versions = compare.Versions()
        masked = {step["id"]: compare.masked(answers.get(step["id"]), versions, step) for step in steps if step["method"] != "AWAIT"}
        sides.append((masked, versions.rank()))
    return sides


def differences(steps, sides):
    (real, real_order), (ours, our_order) = sides
    found = []
    for step in steps:
        if step["method"] != "AWAIT" and compare.first_difference(real[step["id"]], ours[step["id"]]):
            found.append((compare.title(step, real[step["id"]], ours[step["id"]]), step))
    if not found and real_order != our_order:
        found.append(("order of versions", steps[-1]))
    return found


def renamed(steps, old, new):
    text = json.dumps(steps).replace(f"live-{old}", f"live-{new}").replace(f"g{old}.example", f"g{new}.example").replace(f'-{old}"', f'-{new}"').replace(f'-{old}/', f'-{new}/')
    return json.loads(text.replace(f'"seq": "{old}"', f'"seq": "{new}"').replace(f"seq%3D{old}", f"seq%3D{new}"))


class Shrinker:
    """Takes steps away as long as the difference stays; each try has a namespace of its own."""

    def __init__(self, pair, start):
        self.pair, self.next = pair, start

    def same(self, steps, seed, wanted):
        self.next += 1
        fresh = renamed(steps, seed, self.next)
        sides = both(self.pair, fresh)
        digits = lambda text: text.replace(str(self.next), "N").replace(str(seed), "N")
        return any(digits(name) == digits(wanted) for name, _ in differences(fresh, sides)), fresh, sides, self.next

    def shrink(self, steps, seed, wanted, step):
        steps = [held for held in steps if held["id"] <= step["id"] or step["method"] == "WATCH"]
        needed = {step["id"]}
        if not self.same(steps, seed, wanted)[0]:
            return steps
        size = max(1, len(steps) // 2)
        while size:
            at = 1
            while at < len(steps):
                chunk = [held for held in steps[at:at + size] if held["id"] not in needed]
                fewer = [held for held in steps if held not in chunk]
                if chunk and self.same(fewer, seed, wanted)[0]:
                    steps = fewer
                else:
                    at += size
            size //= 2
        return steps


def refused(answers):
    """How many requests the real server found wrong: what makes a sequence worth keeping."""
    return sum(answer["code"] in (400, 422) for answer in answers.values())


def show(steps, sides, at):
    for step in steps:
        body = f" of {step['of']} {json.dumps(step.get('edits'))}" if "of" in step else " " + (step.get("text") or json.dumps(step["body"])) if "body" in step or "text" in step else ""
        print(f"    {step['id']}: {step['method']} {step['path']}{'?' + step['query'] if 'query' in step else ''} {step.get('type', '')}{step.get('accept', '')}{body}"[:1500])
    found = compare.first_difference(sides[0][0][at], sides[1][0][at])
    if found:
        print(f"    at {found[0]}\n      real {compare.short(found[1])}\n      ours {compare.short(found[2])}")


def keep(folder, name, steps, sides):
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:70]
    answers = {str(at): answer for at, answer in sides[0][0].items()}
    pathlib.Path(folder, slug + ".json").write_text(json.dumps({"title": name, "steps": steps, "answers": answers}, ensure_ascii=False, separators=(",", ":")) + "\n")


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("--seed", type=int, default=1)
    parse.add_argument("--requests", type=int, default=2000)
    parse.add_argument("--port", type=int, default=18310)
    parse.add_argument("--keep")
    parse.add_argument("--record", help="a folder for sequences without differences, as tests that need no real server")
    parse.add_argument("--shrink", type=int, default=10, help="how many classes to shrink")
    parse.add_argument("--first", action="store_true", help="classes of the first difference of each sequence only")
    given = parse.parse_args()
    pair = servers.Pair(given.port)
    try:
        sys.exit(run(pair, given))
    finally:
        pair.close()


def run(pair, given):
    requests = differing = bad_sequences = 0
    classes = collections.Counter()
    firsts = {}
    seed = given.seed
    while requests < given.requests:
        steps = sequences.Maker(seed).sequence()
        sides = both(pair, steps)
        requests += sum(step["method"] != "AWAIT" for step in steps)
        found = differences(steps, sides)
        differing += len(found)
        if given.record and not found and refused(sides[0][0]) > 2 and "is missing in '" not in json.dumps(sides[0][0]):
            keep(given.record, f"sequence {seed}", steps, sides)
        bad_sequences += bool(found)
        # What follows the first difference of a sequence is mostly its consequence.
        for name, step in found[:1] if given.first else found:
            name = name.replace(str(seed), "N")
            classes[name] += 1
            firsts.setdefault(name, (steps, sides, step, seed))
        seed += 1
    print(f"seeds {given.seed}..{seed - 1}: {requests} requests | {differing} differences in {bad_sequences} sequences, {len(classes)} classes")
    shrinker = Shrinker(pair, int(time.time()) % 10**7 * 1000)
    for number, (name, count) in enumerate(classes.most_common()):
        steps, sides, step, made_of = firsts[name]
        print(f"{count:5} {name}  [seed {made_of} step {step['id']}]")
        if number < given.shrink:
            least = shrinker.shrink(steps, made_of, name, step)
            same, fresh, sides, _ = shrinker.same(least, made_of, name)
            show(fresh, sides, step["id"])
            if given.keep and same:
                keep(given.keep, name, fresh, sides)
        else:
            found = compare.first_difference(sides[0][0][step["id"]], sides[1][0][step["id"]])
            if found:
                print(f"      real {compare.short(found[1])}\n      ours {compare.short(found[2])}")
    return bool(classes)


if __name__ == "__main__":
    main()
