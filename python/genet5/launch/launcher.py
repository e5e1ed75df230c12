"""One run on several machines: started, followed, and stopped everywhere when anything goes wrong anywhere."""

import contextlib
import json
import pathlib
import queue
import signal
import subprocess
import threading
import time

import genet5.errors as errors
import genet5.launch.checks as checks
import genet5.launch.cluster as clusters
import genet5.machine as machine

# seconds between words to the nodes, and of silence after which a node gives up
BEAT, SILENCE = 3.0, 25.0
# seconds without a sign of life after which a process counts as hung
STILL = 30.0
# seconds in which the others may say why they fell, and in which a node has to end once told
SETTLE, GRACE = 3.0, 15.0
# seconds between a failure and the next try
PAUSE = 5.0
# seconds that may pass before the first step and in an evaluation, and between two steps
FIRST, LATER = 1800.0, 600.0
# worst first: what is named when several machines fail together
ORDER     = ("memory", "gone", "killed", "hung", "error", "secondhand", "lost", "stopped")
EXIT_CODE = {"ok": 0, "memory": 75, "stopped": 130}


class Node:
    """One machine's supervisor, over ssh or on this machine.

    name:    str, the machine's address
    command: list of str, what starts the supervisor
    spec:    dict for node.Supervisor
    events:  queue.Queue that gets (node, "line" or "end", value)
    """

    def __init__(self, name, command, spec, events):
        self.name    = name
        self.spec    = spec
        self.events  = events
        self.end     = None
        self.said    = []
        self.lock    = threading.Lock()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        start_new_session=True)
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self._read, self._complaints)]
        for thread in self.threads:
            thread.start()
        self.tell(json.dumps(spec))

    def tell(self, line):
        """Send a line to the supervisor; one that is gone does not mind."""

        with self.lock, contextlib.suppress(OSError, ValueError):
            self.process.stdin.write(f"{line}\n".encode())
            self.process.stdin.flush()

    def close(self):
        """End the connection; the supervisor ends with it."""

        with contextlib.suppress(OSError):
            self.process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        for thread in self.threads:
            thread.join(GRACE)
        for pipe in (self.process.stdout, self.process.stderr):
            with contextlib.suppress(OSError):
                pipe.close()

    def _read(self):
        end = None
        for raw in self.process.stdout:
            text = raw.decode(errors="replace").rstrip("\n")
            try:
                message = json.loads(text)
                end     = message.get("end", end)
                line    = message.get("line")
            except (ValueError, AttributeError):
                # a greeting of the machine's shell
                line = text
            if line is not None:
                self.events.put((self, "line", line))
        if end is None:
            self.threads[1].join(1.0)
            self.process.wait()
            why = checks.explain(self.name, "\n".join(self.said)) if self.said else \
                f"the connection ended (code {self.process.returncode})"
            end = {"kind": "gone", "code": 1, "rank": -1, "step": -1, "reason": f"lost: {why}"}
        self.events.put((self, "end", end))

    def _complaints(self):
        for raw in self.process.stderr:
            text = raw.decode(errors="replace").rstrip()
            self.said = [*self.said[-20:], text]
            self.events.put((self, "line", text))


def _is(nodes, kind):
    return any(node.end["kind"] == kind for node in nodes)


class Beat:
    """For the length of this context, the supervisors hear in a thread that the launcher lives.

    nodes: list of Node
    """

    def __init__(self, nodes):
        self.nodes  = nodes
        self.ended  = threading.Event()
        self.thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *failure):
        self.ended.set()
        self.thread.join()

    def _follow(self):
        while not self.ended.wait(BEAT):
            for node in self.nodes:
                node.tell("beat")


class Launch:
    """A `genet5` command that torchrun starts on every machine of a cluster.

    cluster:   clusters.Cluster
    arguments: list of str, of genet5
    out:       path of the run's folder, where the logs of the machines go
    folders:   paths that have to have the same content everywhere
    need:      int, bytes of disk that the run needs on the master
    first:     float, seconds that may pass before the first step, and in an evaluation
    later:     float, seconds that may pass between two steps
    retries:   int, times that the run is started again from its last checkpoint
    tell:      function of a str
    """

    def __init__(self, cluster, arguments, out, folders, need, first=FIRST, later=LATER, retries=0, tell=print):
        self.cluster   = cluster
        self.arguments = list(arguments)
        self.out       = pathlib.Path(out)
        self.folders   = folders
        self.need      = need
        self.limits    = (first, later)
        self.retries   = retries
        self.tell      = tell
        self.asked     = 0

    def commands(self):
        """Every command that the launch runs, as (node, list of str); nothing is run."""

        cluster = self.cluster
        network = {name: clusters.BY_DOCTOR for name in ("NCCL_SOCKET_IFNAME", "GLOO_SOCKET_IFNAME", "NCCL_IB_HCA")}
        for node in cluster.nodes:
            yield node, checks.command(cluster, node, self.folders, self.out)
        for node in cluster.nodes:
            yield node, cluster.on(node, cluster.run_python("-m", "genet5.launch.node"))
            run = cluster.torchrun(node, cluster.processes or clusters.BY_DOCTOR, cluster.port or "<free port>",
                                   self.arguments)
            yield node, ["env", *(f"{name}={value}" for name, value in network.items()), *run]

    def go(self):
        """Check the machines, run, try again where that is wanted; returns the exit code.

        raises GeneT5Error where the machines do not allow the run
        """

        old = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            return self._attempts()
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)

    def _attempts(self):
        for attempt in range(self.retries + 1):
            try:
                end = self._attempt()
            except errors.GeneT5Error as error:
                # a machine that has fallen may need a while to come back
                if attempt in (0, self.retries):
                    raise
                end = {"kind": "gone"}
                self.tell(f"error: {error}")
            if end["kind"] in EXIT_CODE or attempt == self.retries or self.asked:
                break
            self.tell(f"trying again from the last checkpoint ({self.retries - attempt} tries left)")
            self.arguments = [word for word in self.arguments if word not in ("--force", "--resume")] + ["--resume"]
            time.sleep(PAUSE)
        return EXIT_CODE.get(end["kind"], 1)

    def _attempt(self):
        """One start of all machines; returns how it ended."""

        reports = checks.examine(self.cluster, self.folders, self.out)
        for node, report in reports.items():
            self.tell(checks.describe(node, report))
        for line in checks.remarks(self.cluster, reports):
            self.tell(line)
        refused = checks.refusals(self.cluster, reports, self.need)
        if refused:
            for line in refused[1:]:
                self.tell(f"error: {line}")
            raise errors.GeneT5Error(refused[0])
        events = queue.Queue()
        port   = self._port()
        nodes  = []
        try:
            for name, report in reports.items():
                command = self.cluster.on(name, self.cluster.run_python("-m", "genet5.launch.node"))
                nodes.append(Node(name, command, self._spec(name, report, port), events))
            with Beat(nodes):
                return self._follow(nodes, events)
        finally:
            for node in nodes:
                node.close()

    def _port(self):
        """Where the processes meet, on the master."""

        try:
            return self.cluster.port or machine.free_port(self.cluster.master)
        except OSError as error:
            raise errors.DataError(f"--master {self.cluster.master} is no address of this machine; see ip addr") \
                from error

    def _spec(self, name, report, port):
        """The task of one machine's supervisor."""

        count = self.cluster.processes or max(1, len(report["devices"]))
        return {"command": self.cluster.torchrun(name, count, port, self.arguments),
                "env":     clusters.network(report["link"]),
                "log":     str(self.out / "logs" / f"launch_{clusters.bare(name)}.log"),
                "silence": SILENCE, "still": STILL, "first": self.limits[0], "later": self.limits[1]}

    def _follow(self, nodes, events):
        """Print what the machines say until all have ended; returns the end that explains the others."""

        passed, fallen, killed = 0, None, None
        while any(node.end is None for node in nodes):
            now = time.monotonic()
            if self.asked > passed:
                self._tell_all(nodes, "stop" if passed == 0 and self.asked == 1 else "kill")
                killed = killed or (now if self.asked > 1 else None)
                passed = self.asked
            if fallen is not None and killed is None and now - fallen > SETTLE:
                killed = now
                self._tell_all(nodes, "kill")
            if killed is not None and now - killed > GRACE:
                for node in nodes:
                    if node.end is None:
                        node.end = {"kind": "gone", "code": 1, "rank": -1, "step": -1,
                                    "reason": f"lost: no word for {GRACE:.0f} s after it was told to end; its "
                                              f"supervisor ends by itself {SILENCE:.0f} s after the last word"}
                break
            with contextlib.suppress(queue.Empty):
                node, kind, value = events.get(timeout=0.2)
                if kind == "line":
                    self.tell(f"[{node.name}] {value}")
                else:
                    node.end = value
                    fallen   = fallen or (now if value["kind"] not in ("ok", "stopped") else None)
        return self._conclude(nodes)

    def _conclude(self, nodes):
        """The end that explains all; one line says which machine, what, and where its log is."""

        ended = [node for node in nodes if node.end["kind"] != "ok"]
        if not ended:
            return nodes[0].end
        worst = min(ended, key=lambda node: ORDER.index(node.end["kind"]))
        if {node.end["kind"] for node in ended} <= {"stopped", "secondhand"} and (self.asked or _is(ended, "stopped")):
            self.tell(f"stopped on all nodes; genet5 launch {self.arguments[0]} … --resume goes on")
            return {"kind": "stopped"}
        self.tell(f"error: node {worst.name}: {worst.end['reason']}; its log is "
                  f"{clusters.bare(worst.name)}:{worst.spec['log']}")
        return worst.end

    def _tell_all(self, nodes, line):
        for node in nodes:
            if node.end is None:
                node.tell(line)

    def _ask(self, number, frame):
        self.asked += 1
        if self.asked == 1:
            self.tell("asked to stop: saving a checkpoint on all nodes; once more stops at once")
