"""What the kernel says about this machine: memory, disk, network interfaces. Needs neither torch nor root.

Every function that reads /proc or /sys takes the folder to read instead, so that tests can show it another machine.
"""

import contextlib
import fcntl
import os
import pathlib
import resource
import shutil
import socket
import struct
import sys

PROC = pathlib.Path("/proc")
SYS  = pathlib.Path("/sys")
# version 1 of cgroups says "no limit" with a number near 2**63
NO_LIMIT = 1 << 60
# ioctl numbers of <linux/sockios.h>
ADDRESS_OF = 0x8915


def meminfo(proc=PROC):
    """The kernel's meminfo, dict name -> bytes; empty where there is none (macOS).

    On machines whose GPU shares the memory MemAvailable is the one honest number: nvidia-smi reports nothing there.
    """

    try:
        lines = (pathlib.Path(proc) / "meminfo").read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return {name: int(rest.split()[0]) * 1024 for name, rest in pairs}


def cgroup(proc=PROC, sys=SYS):
    """Memory limit and usage of the control group of this process, both versions of cgroups.

    returns dict: limit and usage in bytes, None where there is no limit. Reclaimable page cache counts as unused.
    """

    found = [_cgroup_memory(folder) for folder in _cgroup_folders(proc, sys)]
    found = [one for one in found if one["limit"] is not None]
    return min(found, key=lambda one: one["limit"] - one["usage"]) if found else {"limit": None, "usage": None}


def available(proc=PROC, sys=SYS):
    """Bytes that this process may still take: MemAvailable, or what the control group leaves, the smaller; or None."""

    group  = cgroup(proc, sys)
    limits = [meminfo(proc).get("MemAvailable")]
    if group["limit"] is not None:
        limits.append(group["limit"] - group["usage"])
    known  = [limit for limit in limits if limit is not None]
    return min(known) if known else None


def resident(proc=PROC):
    """Bytes of memory that this process holds."""

    try:
        return int((pathlib.Path(proc) / "self" / "statm").read_text().split()[1]) * resource.getpagesize()
    except (OSError, IndexError, ValueError):
        return _peak_since_start()


def forget_peak(proc=PROC):
    """The next peak_resident() counts from here, where the kernel can forget (Linux)."""

    with contextlib.suppress(OSError):
        (pathlib.Path(proc) / "self" / "clear_refs").write_text("5")


def peak_resident(proc=PROC):
    """The most bytes of memory that this process has held since forget_peak(), or since its start."""

    try:
        status = (pathlib.Path(proc) / "self" / "status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    except (OSError, IndexError, ValueError):
        return _peak_since_start()


def _peak_since_start():
    # bytes on macOS, kibibytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def cores():
    """Cores that this process may use, int."""

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def disk(path):
    """Free bytes where a path is, or will be."""

    path = pathlib.Path(path).absolute()
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def interfaces(sys=SYS):
    """Network interfaces but the loopback, a list of dicts.

    name, state ("up", "down", "unknown"), mtu, speed (Mbit/s or None), address (IPv4 or None), hca (name of the
    InfiniBand or RoCE device that sits on it, or None)
    """

    root  = pathlib.Path(sys) / "class" / "net"
    hcas  = _hcas(sys)
    names = sorted(path.name for path in root.iterdir()) if root.is_dir() else []
    return [{"name":    name,
             "state":   _text(root / name / "operstate") or "unknown",
             "mtu":     _number(root / name / "mtu"),
             "speed":   _positive(_number(root / name / "speed")),
             "address": _address(name),
             "hca":     hcas.get(name)} for name in names if name != "lo"]


def toward(peer):
    """The address of this machine from which it speaks to another one; no packet is sent.

    peer: str, IP address or host name
    raises OSError where there is no route, or the name is unknown
    """

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((peer, 9))
        return probe.getsockname()[0]


def free_port(address="127.0.0.1"):
    """A TCP port that nobody listens on at an address of this machine."""

    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


def _cgroup_folders(proc, sys):
    """The memory control groups of this process and those around it, innermost first."""

    try:
        lines = (pathlib.Path(proc) / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        top    = pathlib.Path(sys) / "fs" / "cgroup" / ("memory" if controllers else "")
        folder = top / path.lstrip("/")
        # inside a container the path may be the host's; its own group is then the top
        folder = folder if folder.is_dir() else top
        while True:
            yield folder
            if folder == top:
                break
            folder = folder.parent


def _cgroup_memory(folder):
    for limit, usage, cache in (("memory.max", "memory.current", "inactive_file"),
                                ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")):
        most = _number(folder / limit)
        if most is not None and most < NO_LIMIT:
            stat = dict(line.split() for line in (_text(folder / "memory.stat") or "").splitlines())
            used = _number(folder / usage) or 0
            return {"limit": most, "usage": max(0, used - int(stat.get(cache, 0)))}
    return {"limit": None, "usage": None}


def _hcas(sys):
    """Interface -> InfiniBand device."""

    root  = pathlib.Path(sys) / "class" / "infiniband"
    pairs = [(net.name, device.name) for device in (sorted(root.iterdir()) if root.is_dir() else [])
             for net in (device / "device" / "net").glob("*")]
    return dict(pairs)


def _address(name):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            packed = fcntl.ioctl(probe.fileno(), ADDRESS_OF, struct.pack("256s", name[:15].encode()))
        except OSError:
            return None
    return socket.inet_ntoa(packed[20:24])


def _text(path):
    try:
        return path.read_text().strip()
    except OSError:
        return None


def _number(path):
    try:
        return int(_text(path) or "")
    except ValueError:
        return None


def _positive(number):
    return number if number and number > 0 else None
