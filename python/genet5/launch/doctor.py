"""What is installed on this machine, what is missing, what would be slow, and the command that mends it."""

import hashlib
import importlib.util
import pathlib
import platform
import shutil
import socket
import sys
import time

import genet5
import genet5.errors as errors
import genet5.machine as machine
import genet5.versions as versions

FORMAT = 1
# package -> (extra that brings it, what needs it)
PACKAGES = {
    "numpy":        ("", "everything"),
    "torch":        ("model", "init, sft, grpo, predict"),
    "safetensors":  ("model", "init, sft, grpo, predict"),
    "triton":       ("model", "the fast attention on a GPU"),
    "transformers": ("model", "warm start and the Hugging Face classes"),
    "matplotlib":   ("watch", "sft-report"),
    "tensorboard":  ("watch", "sft --tensorboard"),
}
NEEDED = ("numpy", "torch", "safetensors")
GIB    = 1 << 30
# below these a run is likely to die: bytes of memory and of disk
LITTLE_MEMORY, LITTLE_DISK = 2 * GIB, 2 * GIB
# an interface as fast as this (Mbit/s) loses much with packets of 1,500 bytes
FAST, JUMBO = 25_000, 9000


def examine(folders=(), out=None, peer=None):
    """Look at this machine.

    folders: paths of baked, raw or model folders whose content is hashed
    out:     path whose disk is looked at; None: the present folder
    peer:    str or None, address of another node; the interface that leads to it is named
    raises DataError where a folder is missing or nothing leads to the peer
    returns dict of plain values: format, host, time, genet5, python, platform, code_hash, core_hash, core_profile,
    packages, cuda, nccl, devices, cores, memory, disk, interfaces, link, hashes, findings
    """

    report = {"format":       FORMAT,
              "host":         socket.gethostname(),
              "genet5":       genet5.__version__,
              "python":       platform.python_version(),
              "executable":   sys.executable,
              "platform":     f"{platform.system()} {platform.release()} {platform.machine()}",
              "code_hash":    versions.code_hash(),
              "core_hash":    versions.core_hash(),
              "core_profile": _profile(),
              "packages":     {name: versions.package(name) for name in PACKAGES},
              **_torch(),
              "cores":        machine.cores(),
              "memory":       {"available": machine.available(), "total": machine.meminfo().get("MemTotal"),
                               "cgroup_limit": machine.cgroup()["limit"]},
              "disk":         {"path": str(out or pathlib.Path.cwd()), "free": machine.disk(out or pathlib.Path.cwd())},
              "interfaces":   machine.interfaces(),
              "link":         None,
              "hashes":       {str(folder): folder_hash(folder) for folder in folders}}
    if peer is not None:
        report["link"] = link(report["interfaces"], _toward(peer))
    report["findings"] = findings(report)
    report["time"]     = time.time()
    return report


def _toward(peer):
    """The address of this machine from which it speaks to another one."""

    try:
        return machine.toward(peer)
    except OSError as error:
        raise errors.DataError(f"no way to {peer}: {error.strerror or error}; see ip route") from error


def folder_hash(folder):
    """Hash of the content of a folder that GeneT5 reads, 16 hexadecimal digits.

    A baked folder is known by its indices, which hold a hash of every shard, and by the sizes of its shards; every
    other folder by the bytes of its files. Logs and hidden files do not count.
    raises DataError where there is no such folder
    """

    folder = pathlib.Path(folder)
    if not folder.is_dir():
        raise errors.DataError(f"{folder}: no such folder on {socket.gethostname()}")
    state = hashlib.sha256()
    baked = (folder / "bake_config.json").is_file()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or name.startswith("logs/") or any(part.startswith(".") for part in name.split("/")):
            continue
        if baked and (path.suffix == ".tar" or path.name == "validation.bin"):
            state.update(f"{name}\0{path.stat().st_size}\0".encode())
        else:
            versions.feed(state, name, path)
    return state.hexdigest()[:16]


def link(interfaces, address):
    """The interface that holds an address, and the devices that NCCL should use beside it.

    interfaces: list of dicts from machine.interfaces
    address:    str, IPv4 address of this machine
    returns dict: address, interface, state, mtu, speed, hcas (names, all whose interface is up: one cable of a
    ConnectX-7 in a DGX Spark is two PCIe halves, seen as two devices); interface None where none has the address
    """

    own = next((one for one in interfaces if one["address"] == address), None)
    up  = [one["hca"] for one in interfaces if one["hca"] and one["state"] == "up"]
    if own is None:
        return {"address": address, "interface": None, "state": "unknown", "mtu": None, "speed": None, "hcas": []}
    return {"address": address, "interface": own["name"], "state": own["state"], "mtu": own["mtu"],
            "speed": own["speed"], "hcas": up if own["hca"] else []}


def findings(report):
    """What is wrong or slow, a list of dicts: level ("missing", "slow" or "warning"), what, remedy.

    report: dict from `examine`
    """

    found = [*_packages(report), *_hardware(report), *_link(report)]
    return [dict(zip(("level", "what", "remedy"), one)) for one in found]


def _packages(report):
    for name, (extra, needs) in PACKAGES.items():
        if report["packages"][name] is None and not (name == "triton" and not report["devices"]):
            install = f"pip install 'genet5[{extra}]'" if extra else "pip install genet5"
            level   = "missing" if name in NEEDED else "warning"
            yield level, f"{name} is not installed; needed by {needs}", install
    if report["core_profile"] == "debug":
        yield "slow", "the compiled part is a debug build, ten times slower", "maturin develop --release"


def _hardware(report):
    memory, disk = report["memory"]["available"], report["disk"]
    gpus         = shutil.which("nvidia-smi") is not None
    if report["packages"]["torch"] and gpus and not report["devices"]:
        yield ("slow", f"there is a GPU, but torch {report['packages']['torch']} cannot use it",
               "pip install torch --index-url https://download.pytorch.org/whl/cu130, or use the NGC container")
    elif report["packages"]["torch"] and not report["devices"]:
        yield "slow", "no GPU: training and prediction run on the CPU", "use a machine with a CUDA device"
    if memory is not None and memory < LITTLE_MEMORY:
        yield "warning", f"only {size(memory)} of memory are free", "end other programs, or train with smaller rows"
    if disk["free"] < LITTLE_DISK:
        yield ("warning", f"only {size(disk['free'])} of disk are free at {disk['path']}",
               f"make room: du -sh {disk['path']}")


def _link(report):
    net = report["link"]
    if net is None:
        return
    if net["interface"] is None:
        yield "warning", f"no interface has the address {net['address']}", "ip addr"
    elif net["state"] == "down":
        yield "warning", f"{net['interface']} is down", f"ip link set {net['interface']} up"
    elif net["speed"] and net["speed"] >= FAST and net["mtu"] and net["mtu"] < JUMBO:
        yield ("slow", f"{net['interface']} is fast, but its MTU is {net['mtu']}",
               f"ip link set {net['interface']} mtu {JUMBO}   (on both ends)")
    for one in report["interfaces"]:
        if one["hca"] in net["hcas"] and one["address"] is None:
            yield ("slow", f"{one['name']} ({one['hca']}) is up and has no address, so NCCL cannot use this half of "
                   f"the link", f"ip addr add ADDRESS/24 dev {one['name']}")


def size(count):
    """Bytes in words."""

    return f"{count / GIB:.1f} GiB" if count >= GIB else f"{count / (1 << 20):.0f} MiB"


def _profile():
    """How the compiled part was built."""

    import genet5._core as core

    return core.build_profile


def _torch():
    """What torch knows: CUDA, NCCL and the GPUs; nothing where torch is missing."""

    if importlib.util.find_spec("torch") is None:
        return {"cuda": None, "nccl": None, "devices": []}
    import torch

    count   = torch.cuda.device_count() if torch.cuda.is_available() else 0
    found   = [torch.cuda.get_device_properties(index) for index in range(count)]
    devices = [{"name": one.name, "capability": f"{one.major}.{one.minor}", "memory": one.total_memory}
               for one in found]
    nccl    = ".".join(map(str, torch.cuda.nccl.version())) if count else None
    return {"cuda": torch.version.cuda, "nccl": nccl, "devices": devices}
