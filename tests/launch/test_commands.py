"""What a launch would run and what it would refuse, without any other machine."""

import copy
import datetime
import shlex
import shutil
import time

import pytest

import genet5.cli.launch as command
import genet5.errors as errors
import genet5.launch.checks as checks
import genet5.launch.cluster as clusters
import genet5.launch.launcher as launcher
import genet5.workspace as workspace

GIB    = 1 << 30
MASTER = "192.168.100.10"
WORKER = "192.168.100.11"
REPORT = {"host": "spark", "genet5": "0.1.0", "code_hash": "c0de", "core_hash": "c03e",
          "packages": {"torch": "2.15.0", "triton": "3.9.0"},
          "cuda": "13.0", "nccl": "2.28.9", "devices": [{"name": "GB10"}], "cores": 20, "clock": 0.1,
          "memory": {"available": 100 * GIB}, "disk": {"path": "/ws", "free": 500 * GIB}, "hashes": {"/data": "d474"},
          "findings": [], "link": {"interface": "enp1s0f1np1", "state": "up", "mtu": 9000, "speed": 200000,
                                   "hcas": ["rocep1s0f1", "roceP2p1s0f1"]}}


@pytest.fixture
def boxes():
    return clusters.Cluster(master=MASTER, workers=[WORKER], python="/opt/python", env={"A": "b c"})


@pytest.fixture
def folders(tmp_path):
    """Data and a model that are just there."""

    for name in ("data", "model"):
        (tmp_path / name).mkdir()
    (tmp_path / "model" / "model.safetensors").write_bytes(b"x" * 1000)
    return tmp_path


def test_a_worker_is_reached_by_ssh_and_the_master_without(boxes):
    assert boxes.on(MASTER, ["x", "y z"]) == ["env", "A=b c", "x", "y z"]
    remote = boxes.on(WORKER, ["x", "y z"])
    assert remote[0] == "ssh" and "BatchMode=yes" in remote and remote[-2] == WORKER
    assert shlex.split(remote[-1]) == ["env", "A=b c", "x", "y z"]


def test_a_container_is_entered_on_every_machine():
    boxes = clusters.Cluster(master=MASTER, workers=[WORKER], container="gt5")
    words = boxes.run_python("-m", "genet5")
    assert words[0] == "python"
    assert boxes.on(MASTER, words)[:4] == ["docker", "exec", "-i", "gt5"]
    assert shlex.split(boxes.on(WORKER, words)[-1])[:4] == ["docker", "exec", "-i", "gt5"]


def test_torchrun_meets_at_an_address_that_does_not_move(boxes):
    words = boxes.torchrun(WORKER, 1, 29500, ["sft", "d", "o", "m"])
    text  = " ".join(words)
    assert "--nnodes 2 --node-rank 1 --nproc-per-node 1 --rdzv-backend static" in text
    assert f"--master-addr {MASTER} --master-port 29500 -m genet5 sft d o m" in text


def test_nccl_is_sent_over_the_link_between_the_machines():
    assert clusters.network(REPORT["link"]) == {
        "NCCL_SOCKET_IFNAME": "enp1s0f1np1", "GLOO_SOCKET_IFNAME": "enp1s0f1np1",
        "NCCL_IB_HCA": "rocep1s0f1,roceP2p1s0f1"}


def test_a_toml_file_names_the_machines(tmp_path):
    (tmp_path / "boxes.toml").write_text(f'master = "{MASTER}"\nworkers = ["{WORKER}"]\n[env]\nA = 1\n')
    assert clusters.Cluster(**clusters.read(tmp_path / "boxes.toml")).env == {"A": "1"}
    (tmp_path / "boxes.toml").write_text("hosts = []\n")
    with pytest.raises(errors.DataError, match="not known: hosts"):
        clusters.read(tmp_path / "boxes.toml")


@pytest.mark.parametrize(("text", "said"), [
    ('workers = "192.168.100.11"', "workers is '192.168.100.11'; valid is a list of texts"),
    ("workers = [11]", r"workers is \[11\]; valid is a list of texts"),
    ('port = "29500"', "port is '29500'; valid is a whole number"),
    ('env = "A=1"', "env is 'A=1'; valid is a table")])
def test_a_toml_file_with_a_wrong_value_names_it(tmp_path, text, said):
    (tmp_path / "boxes.toml").write_text(text)
    with pytest.raises(errors.DataError, match=f"boxes.toml: {said}"):
        clusters.read(tmp_path / "boxes.toml")


@pytest.mark.parametrize("host", ["", "user@", "-oProxyCommand=touch", "two words"])
def test_what_is_no_host_is_refused_and_never_reaches_ssh(host):
    with pytest.raises(errors.DataError, match="is no host"):
        clusters.Cluster(master=MASTER, workers=[host])


def test_a_worker_by_a_name_of_ssh_s_configuration_is_met_at_its_address(tmp_path):
    if shutil.which("ssh") is None:
        pytest.skip("there is no ssh here")
    (tmp_path / "config").write_text(f"Host spark\n    HostName {WORKER}\n    User me\n")
    boxes = clusters.Cluster(master=MASTER, workers=["spark"], ssh_config=str(tmp_path / "config"))
    assert boxes.peer(MASTER) == boxes.address("spark") == WORKER
    assert "spark" in boxes.on("spark", ["true"])


def test_the_master_is_no_worker():
    with pytest.raises(errors.DataError, match="as the master and as a worker"):
        clusters.Cluster(master=MASTER, workers=[f"root@{MASTER}"])


def test_a_launch_without_a_worker_is_refused():
    with pytest.raises(errors.DataError, match="--worker HOST"):
        clusters.Cluster(master=MASTER)


@pytest.mark.parametrize(("path", "value", "said"), [
    (("packages", "torch"), "2.14.0", "torch is 2.14.0, on 192.168.100.10 it is 2.15.0"),
    (("genet5",), "0.0.9", "genet5 is 0.0.9"),
    (("code_hash",), "0000", "the code of genet5 is 0000"),
    (("hashes", "/data"), "0000", r"/data is not the same as on .* rsync -a --delete /data/ 192\.168\.100\.11:/data/"),
    (("clock",), -90.0, "its clock is -90 s off"),
    (("memory", "available"), 1000, "only 0 MiB of memory"),
    (("disk", "free"), 1000, "0 MiB of disk are free at /ws, 64 MiB are needed"),
    (("link", "state"), "down", "no interface that is up leads to 192.168.100.10"),
    (("findings",), [{"level": "missing", "what": "torch is not installed", "remedy": "pip install"}], "pip install")])
def test_what_a_worker_lacks_is_one_line(boxes, path, value, said):
    reports = {MASTER: REPORT, WORKER: copy.deepcopy(REPORT)}
    assert checks.refusals(boxes, reports, GIB) == []
    part = reports[WORKER]
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    found = checks.refusals(boxes, reports, GIB)
    assert len(found) == 1 and found[0].startswith(f"node {WORKER}: ")
    import re
    assert re.search(said, found[0])


def test_a_compiled_part_that_differs_is_told_and_not_refused(boxes):
    reports = {MASTER: REPORT, WORKER: {**REPORT, "core_hash": "0000"}}
    assert checks.refusals(boxes, reports, GIB) == []
    assert [line.partition(";")[0] for line in checks.remarks(boxes, reports)] == \
        [f"warning: node {WORKER}: the compiled part of genet5 is not the one of {MASTER}"]


def test_the_master_needs_room_for_its_checkpoints(boxes, folders):
    assert checks.need(folders / "model", keep=2) == checks.LEAST_DISK + 18 * 1000
    found = checks.refusals(boxes, {MASTER: REPORT, WORKER: REPORT}, 900 * GIB)
    assert found == [f"node {MASTER}: 500.0 GiB of disk are free at /ws, 900.0 GiB are needed"]


def test_a_dry_run_prints_every_command_and_runs_none(run, folders):
    code, out, _ = run("launch", "sft", folders / "data", folders / "out", folders / "model", "--worker", WORKER,
                       "--master", MASTER, "--max-steps", "5", "--dry-run")
    assert code == 0
    commands = [shlex.split(line) for line in out.splitlines() if not line.startswith("#")]
    assert [words[0] for words in commands] == ["env", "ssh", "env", "env", "ssh", "env"]
    assert all(any(f"{folders / 'out'}" in word for word in commands[index]) for index in (0, 1, 3, 5))
    assert commands[3][-2:] == ["--max-steps", "5"]
    assert not (folders / "out").exists()


def test_reinforcement_is_launched_as_training_is(run, folders):
    (folders / "run.toml").write_text("num_generations = 4\n")
    paths        = [folders / name for name in ("data", "out", "model")]
    where        = ["--worker", WORKER, "--master", MASTER, "--dry-run"]
    code, out, _ = run("launch", "grpo", *paths, "--beta", "0.001", "--config", folders / "run.toml", *where)
    assert code == 0
    assert f"-m genet5 grpo {paths[0]} {paths[1]} {paths[2]} --beta 0.001 --config {folders / 'run.toml'}" in out
    (folders / "run.toml").write_text("num_generations = 1\n")
    code, _, err = run("launch", "grpo", *paths, "--config", folders / "run.toml", *where)
    assert code == 1 and "num_generations is 1" in err
    code, _, err = run("launch", "grpo", *paths, "--row-tokens", "512", *where)
    assert code == 2 and "No such option" in err


@pytest.mark.parametrize(("words", "said"), [
    (["--learning", "1"], "No such option"), (["--lr", "fast"], "not a valid float"), (["--ema", "2"], "ema is 2.0")])
def test_a_wrong_option_of_sft_is_told_before_anything_starts(run, folders, words, said):
    paths        = [folders / name for name in ("data", "out", "model")]
    code, _, err = run("launch", "sft", *paths, "--worker", WORKER, *words)
    assert code in (1, 2)
    assert said in err


def test_out_is_named_by_the_convention_where_it_is_left_out(folders):
    words = command.parse("sft", (str(folders / "data"), str(folders / "model"), "--workspace", str(folders / "ws"),
                           "--max-steps", "5"))
    assert words["out"].parent == folders / "ws" / "model" / "GeneT5"
    assert words["out"].name.endswith("_data_t1")
    assert words["arguments"][1:4] == [str(folders / "data"), str(words["out"]), str(folders / "model")]


@pytest.mark.parametrize("words", [("--config", "run.toml"), ("--config=run.toml",)])
def test_a_configuration_is_named_by_its_whole_path(folders, monkeypatch, words):
    monkeypatch.chdir(folders)
    (folders / "run.toml").write_text("lr = 1e-4\n")
    found = command.parse("sft", ("data", "out", "model", *words))["arguments"]
    assert found[1:4] == [str(folders / name) for name in ("data", "out", "model")]
    assert "=".join(found[4:]) == f"--config={folders / 'run.toml'}"


def test_names_of_runs_follow_the_owner_s_convention(tmp_path):
    day = datetime.date(2026, 3, 7)
    assert workspace.baked_folder(tmp_path, 4, 1, 32, day) == tmp_path / "baked" / "GeneT5" / "mar07_s4_v1_e32"
    first = workspace.model_folder(tmp_path, "yeast", day)
    assert first == tmp_path / "model" / "GeneT5" / "mar07_yeast_t1"
    for number in (1, 9, 10):
        (first.parent / f"mar07_yeast_t{number}").mkdir(parents=True)
    assert workspace.model_folder(tmp_path, "yeast", day).name == "mar07_yeast_t11"
    assert workspace.model_folder(tmp_path, "pf", day).name == "mar07_pf_t1"
    time.sleep(0.02)
    (first.parent / "mar08_yeast_t1").mkdir()
    assert workspace.settle_model(None, tmp_path, "yeast", "x", resume=True).name == "mar08_yeast_t1"
    with pytest.raises(errors.DataError, match="--workspace"):
        workspace.settle_model(None, None, None, "x")
    for name in ("a/b", ".."):
        with pytest.raises(errors.DataError, match="no part of a folder's name"):
            workspace.settle_model(None, tmp_path, name, "x")


def concluded(boxes, master, worker, asked=0):
    """What a launch makes of the ends of two machines, and what it says."""

    said      = []
    run       = launcher.Launch(boxes, ["sft"], "/out", (), 0, tell=said.append)
    run.asked = asked
    nodes     = [type("Node", (), {"name": name, "end": end, "spec": {"log": "/out/logs/x.log"}})()
                 for name, end in ((MASTER, master), (WORKER, worker))]
    return run._conclude(nodes)["kind"], said


def test_a_failure_after_ctrl_c_is_no_clean_stop(boxes):
    stopped, cut = {"kind": "stopped", "reason": ""}, {"kind": "secondhand", "reason": "Connection closed by peer"}
    assert concluded(boxes, stopped, stopped, asked=1)[0] == "stopped"
    assert concluded(boxes, stopped, cut, asked=1)[0] == "stopped"
    assert concluded(boxes, {"kind": "error", "reason": "no space"}, stopped, asked=1)[0] == "error"
    assert concluded(boxes, cut, cut)[0] == "secondhand"


def test_the_worst_end_explains_the_others(boxes):
    kind, said = concluded(boxes, {"kind": "secondhand", "reason": "Connection closed by peer"},
                           {"kind": "killed", "reason": "rank 1 (process 7) was killed after step 3"})
    assert kind == "killed"
    assert said == [f"error: node {WORKER}: rank 1 (process 7) was killed after step 3; its log is "
                    f"{WORKER}:/out/logs/x.log"]


@pytest.mark.parametrize(("said", "remedy"), [
    ("Host key verification failed.", "accept it once: ssh user@box"),
    ("user@box: Permission denied (publickey).", "ssh-copy-id user@box"),
    ("ssh: Could not resolve hostname box: Name or service not known", "no host of this name"),
    ("ssh: connect to host box port 22: Connection refused", "systemctl start ssh"),
    ("ssh: connect to host box port 22: Connection timed out", "ping box"),
    ("/opt/python: No module named 'genet5'", "not installed for this Python"),
    ("something else", "something else"), ("", "without a word")])
def test_what_ssh_says_comes_with_what_to_do(said, remedy):
    assert remedy in checks.explain("user@box", said)


def test_a_failed_run_is_tried_again_from_its_checkpoint(boxes, monkeypatch):
    said = []
    run  = launcher.Launch(boxes, ["sft", "--force"], "/out", (), 0, retries=3, tell=said.append)
    ends = [{"kind": "killed"}, errors.GeneT5Error("node b: it does not answer"), {"kind": "ok"}]
    seen = []

    def attempt():
        seen.append(list(run.arguments))
        end = ends[len(seen) - 1]
        if isinstance(end, Exception):
            raise end
        return end

    monkeypatch.setattr(launcher, "PAUSE", 0.0)
    monkeypatch.setattr(run, "_attempt", attempt)
    assert run.go() == 0
    assert seen == [["sft", "--force"], ["sft", "--resume"], ["sft", "--resume"]]
    assert said == ["trying again from the last checkpoint (3 tries left)", "error: node b: it does not answer",
                    "trying again from the last checkpoint (2 tries left)"]


@pytest.mark.parametrize(("kind", "code"), [("memory", 75), ("stopped", 130)])
def test_want_of_memory_and_ctrl_c_are_not_tried_again(boxes, monkeypatch, kind, code):
    run = launcher.Launch(boxes, ["sft"], "/out", (), 0, retries=3, tell=lambda text: None)
    monkeypatch.setattr(run, "_attempt", lambda: {"kind": kind})
    assert run.go() == code


def test_machines_that_differ_are_refused_at_the_first_try(boxes, monkeypatch):
    run = launcher.Launch(boxes, ["sft"], "/out", (), 0, retries=3, tell=lambda text: None)

    def attempt():
        raise errors.GeneT5Error("node b: torch is 1")

    monkeypatch.setattr(run, "_attempt", attempt)
    with pytest.raises(errors.GeneT5Error, match="torch is 1"):
        run.go()


def test_a_master_s_address_that_is_not_here_is_one_line(boxes):
    with pytest.raises(errors.DataError, match=r"--master 192\.168\.100\.10 is no address of this machine"):
        launcher.Launch(boxes, ["sft"], "/out", (), 0)._port()
