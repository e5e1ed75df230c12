"""Baking on several machines by Ray: some contigs of a species are a task, and the bytes are those of one machine."""

import contextlib
import functools
import json
import pathlib
import queue
import time

import genet5.bake as baking
import genet5.errors as errors
import genet5.launch.checks as checks
import genet5.launch.launcher as launcher
import genet5.machine as machine

# seconds that a cluster may take to come up
PATIENCE = 180.0


@contextlib.contextmanager
def cluster(boxes, out, tell):
    """A Ray cluster on the machines of a Cluster, for the length of this context; gives its address.

    boxes: clusters.Cluster
    out:   path of the bake, where the logs of the machines go
    tell:  function of a str
    raises GeneT5Error where a machine cannot take part
    """

    port   = boxes.port or machine.free_port(boxes.master)
    events = queue.Queue()
    nodes  = []
    try:
        for name, command in commands(boxes, port):
            spec = {"command": command, "env": {"RAY_DISABLE_IMPORT_WARNING": "1"},
                    "log": str(pathlib.Path(out) / "logs" / f"ray_{name.rpartition('@')[2]}.log"),
                    "silence": launcher.SILENCE, "still": 1e9, "first": 1e9, "later": 1e9}
            supervisor = boxes.on(name, boxes.run_python("-m", "genet5.launch.node"))
            nodes.append(launcher.Node(name, supervisor, spec, events))
        with launcher.Beat(nodes):
            yield Ray(f"{boxes.master}:{port}", nodes, events, tell)
    finally:
        for node in nodes:
            node.tell("kill")
        end = time.monotonic() + launcher.GRACE
        while any(node.process.poll() is None for node in nodes) and time.monotonic() < end:
            time.sleep(0.1)
        for node in nodes:
            node.close()


def every_command(boxes, raw, out):
    """Every command that a bake on these machines runs, as (node, list of str); nothing is run."""

    for node in boxes.nodes:
        yield node, checks.command(boxes, node, (raw,), out)
    for node, command in commands(boxes, boxes.port or "<free port>"):
        yield node, boxes.on(node, boxes.run_python("-m", "genet5.launch.node"))
        yield node, command


def commands(boxes, port):
    """What starts Ray on each machine under a supervisor, as (node, list of str), the master first."""

    ray = boxes.run_python("-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats")
    for name in boxes.nodes:
        address = boxes.address(name)
        if name == boxes.master:
            yield name, [*ray, "--head", "--port", str(port), "--node-ip-address", address,
                         "--include-dashboard", "false"]
        else:
            yield name, [*ray, "--address", f"{boxes.master}:{port}", "--node-ip-address", address]


class Ray:
    """A cluster that has been started here.

    address: str, host:port
    """

    def __init__(self, address, nodes, events, tell):
        self.address = address
        self.nodes   = nodes
        self.events  = events
        self.tell    = tell

    def wait(self, ray):
        """Connect and wait until every machine has joined; meanwhile one that ended is told.

        ray: the module
        raises GeneT5Error
        """

        end = time.monotonic() + PATIENCE
        while True:
            self.look()
            dead = [node for node in self.nodes if node.end is not None]
            if dead:
                raise errors.GeneT5Error(f"node {dead[0].name}: {dead[0].end['reason']}; its log is "
                                         f"{dead[0].spec['log']}")
            with contextlib.suppress(ConnectionError, RuntimeError, ValueError):
                if not ray.is_initialized():
                    ray.init(address=self.address, logging_level="error", log_to_driver=False)
                if sum(one["Alive"] for one in ray.nodes()) >= len(self.nodes):
                    return
            if time.monotonic() > end:
                raise errors.GeneT5Error(f"the Ray cluster did not come up within {PATIENCE:.0f} s; see "
                                         f"{self.nodes[0].spec['log']}")
            time.sleep(0.5)

    def look(self):
        """Take note of machines that ended."""

        with contextlib.suppress(queue.Empty):
            while True:
                node, kind, value = self.events.get_nowait()
                if kind == "end":
                    node.end = value
                    self.tell(f"node {node.name}: {value['reason']}; its tasks are done on the others")


def bake(settings, address, started=None, cores=0, tell=print):
    """Bake by a Ray cluster: a task bakes some contigs of a species, this process joins the tasks of each species.

    A task whose machine dies is done again elsewhere; no file is written but by whole tasks, so it changes nothing.

    settings: dict, the arguments of genet5.bake.Bake; the folders are seen by every machine
    address:  str, of the cluster, "auto" for the one of this machine
    started:  Ray or None, the cluster that was started for this
    cores:    int, of a task; 0: two
    tell:     function of a str
    returns dict species -> its stats.json as a dict
    raises GeneT5Error, and what a bake raises
    """

    ray = errors.require("ray", "ray")
    if started is not None:
        started.wait(ray)
    else:
        ray.init(address=address, logging_level="error", log_to_driver=False)
    try:
        run    = baking.Bake(**settings)
        cores  = cores or 2
        task   = ray.remote(num_cpus=min(cores, _largest(ray)), max_retries=-1)(_bake_portion)
        shared = json.dumps({**settings, "threads": cores, "force": False}, default=str)
        counts = [run.portions(index) for index in range(len(run.species))]
        todo   = {task.remote(shared, index, portion, count): index
                  for index, count in enumerate(counts) for portion in range(count)}
        ends   = {index: [] for index in range(len(counts))}
        stats  = {index: run.bake(index)[1] for index, count in enumerate(counts) if count == 0}
        while todo:
            done, _ = ray.wait(list(todo), timeout=1.0)
            if started is not None:
                started.look()
            for one in done:
                index = todo.pop(one)
                ends[index].append(ray.get(one))
                if len(ends[index]) == counts[index]:
                    stats[index] = run.join(index, counts[index])[1]
                    tell(_describe(run.species[index], ends[index]))
        run.finish()
        return {name: stats[index] for index, name in enumerate(run.species)}
    except ray.exceptions.RayTaskError as error:
        raise errors.GeneT5Error(str(error.cause)) from error
    finally:
        ray.shutdown()


def _largest(ray):
    """Cores of the largest machine."""

    return max(one["Resources"].get("CPU", 1) for one in ray.nodes() if one["Alive"])


def _describe(name, ends):
    """Where a species was baked, by what its tasks returned."""

    hosts = ", ".join(sorted({host for host, _ in ends}))
    return f"{name}: baked on {hosts} in {len(ends)} tasks of {sum(took for _, took in ends):.1f} s together"


def _bake_portion(settings, index, portion, count):
    """The task: some contigs of a species, on whichever machine; returns (host, seconds)."""

    import socket

    began = time.perf_counter()
    _open(settings).bake_portion(index, portion, count)
    return socket.gethostname(), time.perf_counter() - began


@functools.lru_cache(maxsize=1)
def _open(settings):
    """The bake of a worker process, which keeps the species that it read last."""

    return baking.Bake(**json.loads(settings))


def check(boxes, raw, out):
    """Refuse machines that differ, as a launch of training does.

    raises GeneT5Error
    """

    reports = checks.examine(boxes, (raw,), out)
    refused = checks.refusals(boxes, reports, checks.LEAST_DISK)
    if refused:
        raise errors.GeneT5Error(refused[0])
