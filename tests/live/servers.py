"""The two servers and how they are asked: one connection each, answers as they came."""
import http.client, json, os, pathlib, shutil, socket, ssl, subprocess, tempfile, threading, time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TLS = ssl._create_unverified_context()


class Answer:
    def __init__(self, code, headers, body):
        self.code, self.headers, self.body = code, headers, body

    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class Server:
    def __init__(self, port):
        self.port, self.connection = port, None

    def ask(self, method, path, headers, body, timeout=20):
        for attempt in range(2):
            if self.connection is None:
                self.connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=TLS, timeout=timeout)
            try:
                self.connection.request(method, path, body, headers)
                reply = self.connection.getresponse()
                return Answer(reply.status, reply.getheaders(), reply.read())
            except (http.client.HTTPException, OSError):
                self.connection = None
                if attempt:
                    raise

    def watch(self, path, headers):
        return Watch(self.port, path, headers)


class Watch:
    """A watch whose lines gather in the background until `end` is called."""

    def __init__(self, port, path, headers):
        self.connection = http.client.HTTPSConnection("127.0.0.1", port, context=TLS, timeout=30)
        self.connection.request("GET", path, None, headers)
        self.reply = self.connection.getresponse()
        self.lines, self.last = [], time.monotonic()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        try:
            while line := self.reply.readline():
                self.lines.append(line)
                self.last = time.monotonic()
        except (OSError, ValueError, http.client.HTTPException, AttributeError):
            pass
        self.last = 0

    def end(self, idle):
        while self.last and time.monotonic() - self.last < idle:
            time.sleep(0.01)
        return Answer(self.reply.status, self.reply.getheaders(), b"".join(self.lines))

    def close(self):
        try:
            self.connection.sock and self.connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Pair:
    """Both servers, started here unless they run already (`LIVE_PORTS=OURS,REAL`); ended on close."""

    def __init__(self, port):
        self.processes, self.folder = [], None
        if os.environ.get("LIVE_PORTS"):
            ours, real = map(int, os.environ["LIVE_PORTS"].split(","))
        else:
            ours, real = port, port + 1
            self.start(ours, real)
        self.ours, self.real = Server(ours), Server(real)

    def start(self, ours, real):
        cluster, programs = os.environ["REAL_CLUSTER"], os.environ["REAL_CLUSTER_BIN"]
        self.folder = tempfile.mkdtemp()
        out = subprocess.run([cluster + "/start", programs, self.folder + "/real", str(real)], check=True, stdout=subprocess.PIPE, text=True)
        self.processes += [int(word) for word in out.stdout.split()]
        self.start_ours(ours, self.folder + "/real/tokens.csv")

    def start_ours(self, port, tokens):
        target = os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target"))
        program = os.environ.get("LIVE_OURS", target + "/debug/examples/serve")
        log = open(self.folder + "/ours.log", "w")
        child = subprocess.Popen([program, "--port", str(port), "--token-file", tokens, "--controllers", ",", "--kubeconfig", self.folder + "/ours.kubeconfig"],
                                 stdout=log, stderr=log)
        self.processes.append(child.pid)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("our server does not listen; see " + log.name)

    def close(self):
        for process in self.processes:
            try:
                os.kill(process, 9)
            except ProcessLookupError:
                pass
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
