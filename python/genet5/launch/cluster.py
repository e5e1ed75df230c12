"""Which machines there are, and the commands that reach them: pure functions, so that --dry-run shows them all."""

import contextlib
import dataclasses
import functools
import re
import shlex
import subprocess
import sys

import genet5.errors as errors
import genet5.fields as checks
import genet5.machine as machine
import genet5.train.config as configs

SSH = ["ssh", "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=5",
       "-o", "ServerAliveCountMax=3"]
# stands in a dry run for what `genet5 doctor` will say
BY_DOCTOR = "<by doctor>"


@dataclasses.dataclass(kw_only=True)
class Cluster:
    """The machines of a launch.

    master:     str, address of this machine that the others reach; empty: the one toward the first worker
    workers:    list of str, what ssh takes: address, name or user@address
    python:     str, the Python of every machine; empty: the one that runs this (in a container: python)
    env:        dict of str, variables for every machine
    container:  str, run inside of this container on every machine; empty: on the machine itself
    ssh_config: str, file for ssh -F; empty: the user's
    port:       int, of the rendezvous on the master; 0: a free one
    processes:  int, of each machine; 0: one for each GPU, one on a CPU
    raises DataError where there is no worker, one is named twice, or is no host
    """

    master:     str  = ""
    workers:    list = dataclasses.field(default_factory=list)
    python:     str  = ""
    env:        dict = dataclasses.field(default_factory=dict)
    container:  str  = ""
    ssh_config: str  = ""
    port:       int  = 0
    processes:  int  = 0

    def __post_init__(self):
        self.workers = list(self.workers)
        if not self.workers:
            raise errors.DataError("no worker is named: --worker HOST, or workers = [\"HOST\"] in the --cluster file")
        for host in (*self.workers, *([self.master] if self.master else [])):
            # ssh would take such a one for an option, or as several words
            if not bare(host) or host.startswith("-") or any(letter.isspace() for letter in host):
                raise errors.DataError(f"{host!r} is no host; give an address, a name or user@address")
        if len(set(self.workers)) != len(self.workers):
            raise errors.DataError(f"a worker is named twice: {', '.join(self.workers)}")
        self.env = {name: str(value) for name, value in self.env.items()}
        if not self.master:
            try:
                self.master = machine.toward(self.address(self.workers[0]))
            except OSError as error:
                raise errors.DataError(f"no way to {self.workers[0]}: {error.strerror or error}; see ip route, or give "
                                       f"--master") from error

        if self.master in map(bare, self.workers):
            raise errors.DataError(f"{self.master} is named as the master and as a worker; the master, this machine, "
                                   f"takes part anyway")

    @property
    def nodes(self):
        """Addresses of all machines, the master first."""

        return [self.master, *self.workers]

    def peer(self, node):
        """The machine that a node's interface has to lead to."""

        return self.address(self.workers[0]) if node == self.master else self.master

    def address(self, node):
        """What a machine is called on the network: a worker's HostName where ssh's configuration has one."""

        return node if node == self.master else _host_name(node, self.ssh_config)

    def on(self, node, command):
        """The command line that runs a command on a machine.

        node:    str, one of `nodes`
        command: list of str
        returns list of str
        """

        command = ["env", *(f"{name}={value}" for name, value in sorted(self.env.items())), *command]
        if self.container:
            command = ["docker", "exec", "-i", self.container, *command]
        if node == self.master:
            return command
        config  = ["-F", self.ssh_config] if self.ssh_config else []
        return [*SSH[:1], *config, *SSH[1:], node, shlex.join(command)]

    def run_python(self, *arguments):
        """The Python command of every machine with these arguments, list of str."""

        python = self.python or ("python" if self.container else sys.executable)
        return [python, *map(str, arguments)]

    def torchrun(self, node, processes, port, arguments):
        """The command that starts the processes of one machine.

        processes: int or str, of this machine
        arguments: list of str, of genet5
        """

        return self.run_python(
            "-m", "torch.distributed.run", "--nnodes", len(self.nodes), "--node-rank", self.nodes.index(node),
            "--nproc-per-node", processes, "--rdzv-backend", "static", "--master-addr", self.master,
            "--master-port", port, "-m", "genet5", *arguments)


@functools.cache
def _host_name(host, config):
    """The host that ssh connects to under a name."""

    with contextlib.suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run(["ssh", *(["-F", config] if config else []), "-G", host], capture_output=True, text=True,
                              timeout=10, check=True).stdout
        return re.search(r"^hostname (.+)$", said, re.MULTILINE)[1]
    # without ssh there is no configuration of it
    return bare(host)


def bare(host):
    """A host without the user's name before it."""

    return host.rpartition("@")[2]


def network(link):
    """Variables that send NCCL and gloo over the interface that leads to the other machine.

    link: dict from doctor's report
    """

    found = {"NCCL_SOCKET_IFNAME": link["interface"], "GLOO_SOCKET_IFNAME": link["interface"]}
    if link["hcas"]:
        found["NCCL_IB_HCA"] = ",".join(link["hcas"])
    return found


def read(path):
    """The fields of a Cluster in a TOML file, a dict.

    raises DataError
    """

    fields  = configs.toml(path)
    known   = {field.name for field in dataclasses.fields(Cluster)}
    unknown = sorted(set(fields) - known)
    if unknown:
        raise errors.DataError(f"{path} has settings that are not known: {', '.join(unknown)}; known are "
                               f"{', '.join(sorted(known))}")
    try:
        checks.check(fields, Cluster)
    except errors.DataError as error:
        raise errors.DataError(f"{path}: {error}") from error
    return fields
