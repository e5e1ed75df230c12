"""`genet5 doctor`: what is here, what is missing, what is slow, and how to mend it."""

import json
import shutil
import subprocess
import sys

import pytest

import genet5
import genet5.errors as errors
import genet5.launch.doctor as doctor
import genet5.machine as machine

# two ports of a ConnectX-7 as a DGX Spark shows them: one cable, two halves
SPARK = [{"name": "enP2p1s0f1np1", "state": "up", "mtu": 1500, "speed": 200000, "address": None, "hca": "roceP2p1s0f1"},
         {"name": "enp1s0f0np0", "state": "down", "mtu": 1500, "speed": None, "address": None, "hca": "rocep1s0f0"},
         {"name": "enp1s0f1np1", "state": "up", "mtu": 1500, "speed": 200000, "address": "192.168.100.10",
          "hca": "rocep1s0f1"},
         {"name": "wlan0", "state": "up", "mtu": 1500, "speed": None, "address": "10.0.0.5", "hca": None}]


@pytest.fixture(scope="module")
def here():
    return doctor.examine()


def test_json_says_what_the_function_says(run, here):
    code, out, _ = run("doctor", "--json")
    said = json.loads(out)
    assert set(said) == set(here)
    assert (said["genet5"], said["code_hash"]) == (genet5.__version__, here["code_hash"])
    assert code == int(any(one["level"] == "missing" for one in said["findings"]))


def test_people_read_versions_memory_and_remedies(run):
    _, out, _ = run("doctor", "--peer", "127.0.0.1")
    for words in (genet5.__version__, "python", "memory", "available", "free at", "NCCL_SOCKET_IFNAME"):
        assert words in out


def test_a_missing_package_is_named_with_its_command(here):
    broken = {**here, "packages": {**here["packages"], "torch": None}, "devices": []}
    found  = [one for one in doctor.findings(broken) if one["level"] == "missing"]
    assert found == [{"level": "missing", "what": "torch is not installed; needed by init, sft, grpo, predict",
                      "remedy": "pip install 'genet5[model]'"}]


def test_little_memory_little_disk_and_debug_builds_are_told(here):
    poor = {**here, "memory": {"available": 1 << 20}, "disk": {"path": "/x", "free": 5 << 20}, "core_profile": "debug"}
    said = " ".join(one["what"] for one in doctor.findings(poor))
    assert "1 MiB of memory" in said and "5 MiB of disk are free at /x" in said and "debug build" in said


def test_the_link_of_a_spark_is_both_halves_of_its_cable(here):
    link = doctor.link(SPARK, "192.168.100.10")
    assert (link["interface"], link["mtu"]) == ("enp1s0f1np1", 1500)
    assert link["hcas"] == ["roceP2p1s0f1", "rocep1s0f1"]
    said = [one for one in doctor.findings({**here, "interfaces": SPARK, "link": link}) if one["level"] == "slow"]
    assert any("MTU is 1500" in one["what"] and "mtu 9000" in one["remedy"] for one in said)
    assert any("enP2p1s0f1np1 (roceP2p1s0f1) is up and has no address" in one["what"] for one in said)


def test_wireless_has_no_infiniband_and_strange_addresses_no_interface():
    assert doctor.link(SPARK, "10.0.0.5")["hcas"] == []
    assert doctor.link(SPARK, "1.2.3.4")["interface"] is None


def test_the_hash_of_a_folder_is_its_content_s(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    (one / "G.x").mkdir(parents=True)
    (one / "G.x" / "fna").write_text(">c\nACGT\n")
    shutil.copytree(one, other)
    (other / "logs").mkdir()
    (other / "logs" / "today").write_text("does not count")
    assert doctor.folder_hash(one) == doctor.folder_hash(other)
    (other / "G.x" / "fna").write_text(">c\nACGA\n")
    assert doctor.folder_hash(one) != doctor.folder_hash(other)
    with pytest.raises(errors.DataError, match="no such folder"):
        doctor.folder_hash(tmp_path / "none")


def test_a_baked_folder_is_known_by_its_indices(tmp_path):
    for name in ("one", "other"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "bake_config.json").write_text("{}")
        (folder / "shard_000.idx").write_text("xxh3")
        (folder / "shard_000.tar").write_bytes(b"0123456789")
    assert doctor.folder_hash(tmp_path / "one") == doctor.folder_hash(tmp_path / "other")
    (tmp_path / "other" / "shard_000.tar").write_bytes(b"cut")
    assert doctor.folder_hash(tmp_path / "one") != doctor.folder_hash(tmp_path / "other")


def test_a_data_folder_that_is_not_there_is_one_line(run):
    code, _, said = run("doctor", "--data", "nowhere")
    assert code == 1
    assert said.startswith("error: nowhere: no such folder") and said.count("\n") == 1


def test_nothing_is_read_that_needs_the_network():
    code = "import sys, genet5.machine, genet5.launch.doctor; assert not {'torch', 'numpy', 'rich'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert machine.cores() >= 1


def test_a_peer_that_nobody_knows_is_one_line(run):
    code, out, err = run("doctor", "--peer", "no-such-host.invalid")
    assert (code, out) == (1, "") and err.startswith("error: no way to no-such-host.invalid: ")
