"""Before a launch: `genet5 doctor` on every machine, and whether what it says allows the run."""

import concurrent.futures
import json
import pathlib
import subprocess
import time

import genet5.errors as errors
import genet5.launch.cluster as clusters
import genet5.launch.doctor as doctor

# seconds that a machine may take to answer; importing torch from a cold disk is slow
PATIENCE = 300
# seconds that two clocks may differ
CLOCKS = 5.0
# bytes of memory and of disk without which a node is refused
LEAST_MEMORY, LEAST_DISK = 512 << 20, 64 << 20
# what must be the same everywhere: words, path in the report
EQUAL = (("genet5", ("genet5",)), ("the code of genet5", ("code_hash",)), ("torch", ("packages", "torch")),
         ("triton", ("packages", "triton")), ("CUDA", ("cuda",)), ("NCCL", ("nccl",)))
# what ssh says -> what to do
COMPLAINTS = (
    ("docker: not found", "docker is not installed there; see https://docs.docker.com/engine/install"),
    ("permission denied while trying to connect to the docker", "this user may not use docker there; add it: sudo "
                                                                "usermod -aG docker $USER, and log in again"),
    ("cannot connect to the docker daemon", "docker does not run there; start it with: systemctl start docker"),
    ("host key verification failed", "ssh does not know its host key; compare it, then accept it once: ssh {node}"),
    ("remote host identification has changed", "its host key has changed; if that is right: ssh-keygen -R {host}"),
    ("permission denied", "ssh may not log in; copy the key with: ssh-copy-id {node}"),
    ("could not resolve", "there is no host of this name; use its address, or a Host entry of ~/.ssh/config"),
    ("connection refused", "no ssh server listens there; start it with: systemctl start ssh"),
    ("timed out", "it does not answer; look at the cable and at: ping {host}"),
    ("no route to host", "there is no way to it; look at the cable and at: ip addr"),
    ("network is unreachable", "there is no way to it; look at the cable and at: ip addr"),
    ("no module named 'genet5'", "genet5 is not installed for this Python there; install it, or name another --python"),
    ("no such file or directory", "this Python is not there; name the right one with --python"),
    ("no such container", "the container does not run there: genet5 launch container start"),
)


def command(cluster, node, folders, out):
    """The doctor's command for a machine, list of str."""

    wanted = [part for folder in folders for part in ("--data", folder)]
    return cluster.on(node, cluster.run_python("-m", "genet5", "doctor", "--json", *wanted, "--out", out,
                                               "--peer", cluster.peer(node)))


def examine(cluster, folders, out):
    """Ask the doctor on every machine at once.

    returns dict node -> report, with `clock` in seconds ahead of this machine
    raises GeneT5Error naming the machine that cannot be asked
    """

    with concurrent.futures.ThreadPoolExecutor(len(cluster.nodes)) as pool:
        return dict(zip(cluster.nodes, pool.map(lambda node: _ask(cluster, node, folders, out), cluster.nodes)))


def _ask(cluster, node, folders, out):
    try:
        done = subprocess.run(command(cluster, node, folders, out), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=PATIENCE, check=False, start_new_session=True)
    except subprocess.TimeoutExpired as error:
        raise errors.GeneT5Error(f"node {node}: no answer within {PATIENCE} s") from error
    now = time.time()
    try:
        report = json.loads(done.stdout[done.stdout.index("{"):])
    except ValueError as error:
        raise errors.GeneT5Error(f"node {node}: {explain(node, done.stderr)}") from error
    return {**report, "clock": report["time"] - now}


def explain(node, said):
    """One line for what ssh or Python said on stderr."""

    for words, remedy in COMPLAINTS:
        if words in said.lower():
            return remedy.format(node=node, host=clusters.bare(node))
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1].removeprefix("error: ") if lines else "it ended without a word"


def refusals(cluster, reports, need):
    """Why the run cannot start, a list of lines.

    reports: dict from `examine`
    need:    int, bytes of disk that the run needs on the master
    """

    found = []
    first = reports[cluster.master]
    for node, report in reports.items():
        found += [f"node {node}: {one['what']}; {one['remedy']}" for one in report["findings"]
                  if one["level"] == "missing"]
        found += _different(cluster.master, first, node, report)
        if abs(report["clock"]) > CLOCKS:
            found.append(f"node {node}: its clock is {report['clock']:+.0f} s off; set it: timedatectl set-ntp true")
        free = report["memory"]["available"]
        if free is not None and free < LEAST_MEMORY:
            found.append(f"node {node}: only {doctor.size(free)} of memory are free")
        wanted = need if node == cluster.master else LEAST_DISK
        if report["disk"]["free"] < wanted:
            found.append(f"node {node}: {doctor.size(report['disk']['free'])} of disk are free at "
                         f"{report['disk']['path']}, {doctor.size(wanted)} are needed")
        if report["link"]["interface"] is None or report["link"]["state"] == "down":
            found.append(f"node {node}: no interface that is up leads to {cluster.peer(node)}")
    return found


def _different(master, first, node, report):
    for words, path in EQUAL:
        ours, theirs = _at(first, path), _at(report, path)
        if ours != theirs:
            yield f"node {node}: {words} is {theirs}, on {master} it is {ours}; install the same on both"
    for folder, ours in first["hashes"].items():
        theirs = report["hashes"].get(folder)
        if ours != theirs:
            yield (f"node {node}: {folder} is not the same as on {master} (hash {theirs}, {ours} there); copy it: "
                   f"rsync -a --delete {folder}/ {node}:{folder}/")


def _at(report, path):
    for name in path:
        report = report[name]
    return report


def remarks(cluster, reports):
    """What is unusual but allowed, lines: the same source may be compiled to other bytes.

    reports: dict from `examine`
    """

    for node, report in reports.items():
        if report["core_hash"] != reports[cluster.master]["core_hash"]:
            yield (f"warning: node {node}: the compiled part of genet5 is not the one of {cluster.master}; if the "
                   f"source has changed, build it on both")


def describe(node, report):
    """What a machine will use, in one line."""

    link = report["link"]
    gpus = ", ".join(one["name"] for one in report["devices"]) or f"{report['cores']} cores"
    nccl = " ".join(f"{name}={value}" for name, value in clusters.network(link).items())
    free = report["memory"]["available"]
    return (f"{node} ({report['host']}): genet5 {report['genet5']}, torch {report['packages']['torch']}, {gpus}, "
            f"{'?' if free is None else doctor.size(free)} of memory, {link['interface']} MTU {link['mtu']}; {nccl}")


def need(model, keep):
    """Bytes of disk that a run needs: its checkpoints, each with weights, their average and two moments.

    model: path of a model folder
    keep:  int, checkpoints that are kept
    """

    weights = sum(path.stat().st_size for path in pathlib.Path(model).glob("*.safetensors"))
    return LEAST_DISK + weights * (4 * (keep + 2) + 2)
