"""Two hosts on one machine: network namespaces joined by a veth pair, an ssh server in each."""

import os
import pathlib
import shutil
import subprocess
import sys
import time
import types

import pytest

import beside

# the tests of training have a baked genome and a very small model
training = beside.load(pathlib.Path(__file__).resolve().parents[1] / "train" / "conftest.py")
baked, start = training.baked, training.start

PACKAGE = pathlib.Path(__file__).resolve().parents[2] / "python"
# a shared host that is busy with other things may take its time
LIMIT   = 900

SSHD = """\
Port 22
ListenAddress {address}
HostKey {folder}/host_key_{name}
PidFile none
AuthorizedKeysFile {folder}/client_key.pub
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
ClientAliveInterval 5
ClientAliveCountMax 3
AcceptEnv *
"""
SSH = """\
Host *
  User root
  IdentityFile {folder}/client_key
  IdentitiesOnly yes
  UserKnownHostsFile {known}
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
"""


def quiet(*command, check=True):
    """Run a command; returns it, finished."""

    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=check, timeout=60)


class Hosts:
    """Two hosts, a (the master) and b (the worker).

    folder: path for keys and configuration
    tag:    str, makes the names of the namespaces unique
    """

    ADDRESS = types.MappingProxyType({"a": "10.77.0.1", "b": "10.77.0.2"})

    def __init__(self, folder, tag):
        self.folder  = folder
        self.names   = {host: f"genet5{tag}{host}" for host in "ab"}
        self.links   = {host: f"g5{tag}{host}" for host in "ab"}
        self.servers = []

    def begin(self):
        """Namespaces, link, keys and servers."""

        for name in self.names.values():
            quiet("ip", "netns", "add", name)
            quiet("ip", "netns", "exec", name, "ip", "link", "set", "lo", "up")
        quiet("ip", "link", "add", self.links["a"], "type", "veth", "peer", "name", self.links["b"])
        for host, name in self.names.items():
            quiet("ip", "link", "set", self.links[host], "netns", name)
            self.inside(host, "ip", "addr", "add", f"{self.ADDRESS[host]}/24", "dev", self.links[host])
            self.inside(host, "ip", "link", "set", self.links[host], "up")
            quiet("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / f"host_key_{host}")
        quiet("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / "client_key")
        pathlib.Path("/run/sshd").mkdir(exist_ok=True)
        known = self.folder / "known_hosts"
        known.write_text("".join(f"{self.ADDRESS[host]} {(self.folder / f'host_key_{host}.pub').read_text()}"
                                 for host in "ab"))
        self.config = self.write_config("ssh_config", known)

    def write_config(self, name, known):
        """An ssh configuration with a file of known hosts; returns its path."""

        path = self.folder / name
        path.write_text(SSH.format(folder=self.folder, known=known))
        return path

    def serve(self, before="true"):
        """Start the worker's ssh server, after a shell command in its own mount namespace."""

        path = self.folder / "sshd_config"
        path.write_text(SSHD.format(folder=self.folder, name="b", address=self.ADDRESS["b"]))
        with (self.folder / "sshd.log").open("w") as log:
            server = subprocess.Popen(["ip", "netns", "exec", self.names["b"], "sh", "-c",
                                       f"{before} && exec /usr/sbin/sshd -D -e -f {path}"], stderr=log)
        self.servers.append(server)
        end = time.monotonic() + 30
        while "listening" not in (self.folder / "sshd.log").read_text():
            assert server.poll() is None and time.monotonic() < end, (self.folder / "sshd.log").read_text()
            time.sleep(0.1)

    def inside(self, host, *command, check=True):
        """Run a command on a host."""

        return quiet("ip", "netns", "exec", self.names[host], *command, check=check)

    def launch(self, *arguments, config=None, env=()):
        """Start `genet5 launch` on the master; returns the process, its stderr a pipe."""

        command = ["ip", "netns", "exec", self.names["a"], sys.executable, "-m", "genet5", "launch",
                   *map(str, arguments), "--worker", self.ADDRESS["b"], "--ssh-config", str(config or self.config),
                   "--env", f"PYTHONPATH={PACKAGE}", *(word for one in env for word in ("--env", one))]
        environment = {**os.environ, "PYTHONPATH": str(PACKAGE), "PYTHONUNBUFFERED": "1"}
        return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def processes(self, host):
        """Command lines of what runs on a host but its ssh server, dict pid -> str."""

        servers = {server.pid for server in self.servers}
        found   = {}
        for pid in map(int, quiet("ip", "netns", "pids", self.names[host]).stdout.split()):
            try:
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
            except OSError:
                continue
            if pid not in servers and words and "/usr/sbin/sshd" not in words:
                found[pid] = words
        return found

    def left(self, within=45.0):
        """What still runs on both hosts after so many seconds, a list of command lines."""

        end = time.monotonic() + within
        while True:
            found = [f"{host}: {words}" for host in "ab" for words in self.processes(host).values()]
            if not found or time.monotonic() > end:
                return found
            time.sleep(0.5)

    def end(self):
        """Take everything down."""

        for server in self.servers:
            server.kill()
            server.wait()
        for name in self.names.values():
            for pid in quiet("ip", "netns", "pids", name, check=False).stdout.split():
                quiet("kill", "-9", pid, check=False)
            quiet("ip", "netns", "del", name, check=False)


@pytest.fixture
def hosts(tmp_path):
    """Two hosts without a running ssh server: `hosts.serve()` starts the worker's."""

    for program in ("ip", "ssh", "ssh-keygen", "/usr/sbin/sshd"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: apt-get install openssh-server iproute2")
    folder = tmp_path / "hosts"
    folder.mkdir(mode=0o700)
    pair = Hosts(folder, str(os.getpid() % 10000))
    try:
        pair.begin()
    except subprocess.CalledProcessError as error:
        pair.end()
        pytest.skip(f"no network namespaces can be made here: {error.stderr.strip()}")
    yield pair
    pair.end()
