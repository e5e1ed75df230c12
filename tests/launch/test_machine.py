"""What the kernel says: memory under both kinds of control groups, disk, interfaces; on made-up and on real files."""

import pathlib

import pytest

import genet5.machine as machine

GIB = 1 << 30


def proc(folder, available=8 * GIB, cgroup="0::/\n"):
    (folder / "self").mkdir(parents=True)
    (folder / "meminfo").write_text(f"MemTotal: {32 * GIB // 1024} kB\nMemAvailable: {available // 1024} kB\n")
    (folder / "self" / "cgroup").write_text(cgroup)
    return folder


def group(folder, **files):
    folder.mkdir(parents=True)
    for name, value in files.items():
        (folder / name.replace("__", ".")).write_text(f"{value}\n")


def test_memory_available_is_the_kernel_s_word(tmp_path):
    assert machine.available(proc(tmp_path / "proc"), tmp_path / "sys") == 8 * GIB


def test_the_tightest_control_group_counts_and_its_page_cache_does_not(tmp_path):
    root = tmp_path / "sys" / "fs" / "cgroup"
    group(root / "a" / "b", memory__max="max", memory__current=GIB, memory__stat="inactive_file 0")
    group(root / "c", memory__max=1)
    (root / "a" / "memory.max").write_text(f"{4 * GIB}\n")
    (root / "a" / "memory.current").write_text(f"{3 * GIB}\n")
    (root / "a" / "memory.stat").write_text(f"anon 1\ninactive_file {GIB}\n")
    fake = proc(tmp_path / "proc", cgroup="0::/a/b\n")
    assert machine.cgroup(fake, tmp_path / "sys") == {"limit": 4 * GIB, "usage": 2 * GIB}
    assert machine.available(fake, tmp_path / "sys") == 2 * GIB


def test_the_first_version_of_control_groups_is_read_too(tmp_path):
    root = tmp_path / "sys" / "fs" / "cgroup" / "memory"
    group(root / "job", memory__limit_in_bytes=2 * GIB, memory__usage_in_bytes=GIB,
          memory__stat=f"total_inactive_file {GIB // 2}")
    (root / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    fake = proc(tmp_path / "proc", cgroup="4:memory:/job\n0::/\n")
    assert machine.cgroup(fake, tmp_path / "sys") == {"limit": 2 * GIB, "usage": GIB // 2}


def test_a_machine_without_proc_says_nothing(tmp_path):
    assert machine.meminfo(tmp_path) == {}
    assert machine.available(tmp_path, tmp_path) is None


def test_interfaces_name_their_infiniband_device(tmp_path):
    net = tmp_path / "class" / "net" / "enp1s0f1np1"
    group(net, operstate="up", mtu=9000, speed=200000)
    group(tmp_path / "class" / "net" / "lo", mtu=65536)
    (tmp_path / "class" / "infiniband" / "rocep1s0f1" / "device" / "net" / "enp1s0f1np1").mkdir(parents=True)
    assert machine.interfaces(tmp_path) == [{"name": "enp1s0f1np1", "state": "up", "mtu": 9000, "speed": 200000,
                                             "address": None, "hca": "rocep1s0f1"}]


def test_the_route_to_this_machine_is_the_loopback():
    assert machine.toward("127.0.0.1") == "127.0.0.1"
    assert machine.disk(pathlib.Path("/") / "no" / "such" / "folder") > 0
    assert machine.resident() > 1 << 20
    with pytest.raises(OSError):
        machine.toward("no-such-host.invalid")
