"""Containers and the shared workspace: the scripts are sound, do their work once, and change nothing when run again."""

import os
import shutil
import subprocess

import pytest

import genet5.launch.checks as checks
import genet5.launch.setup as setup

IMAGE   = setup.IMAGE
SCRIPTS = {
    "start":  setup.container_start(mounts=["/work space", "/data"], command="pip install '/ws/genet5[model]'"),
    "stop":   setup.container_stop(),
    "status": setup.container_status(),
    "server": setup.nfs_server("/workspace", ["192.168.100.11", "192.168.100.12"]),
    "client": setup.nfs_client("/workspace", "192.168.100.10"),
    "odd":    setup.nfs_client("/it's mine", "192.168.100.10"),
}
# a docker that keeps one container in a file and writes down what it is told
DOCKER = """\
#!/bin/sh
echo "$@" >>"$STATE.calls"
case "$1" in
container) [ -e "$STATE" ] || exit 1; cat "$STATE" ;;
image) exit 1 ;;
run) echo "true IMAGE" >"$STATE" ;;
start) echo "true IMAGE" >"$STATE" ;;
stop) echo "false IMAGE" >"$STATE" ;;
rm) rm "$STATE" ;;
esac
""".replace("IMAGE", IMAGE)
RECORD = '#!/bin/sh\necho "${0##*/} $*" >>"$STATE.calls"\n'


class Machine:
    """A machine of made-up programs."""

    def __init__(self, folder, programs):
        self.folder = folder
        self.bin    = folder / "bin"
        self.state  = folder / "state"
        self.bin.mkdir()
        for name, text in programs.items():
            (self.bin / name).write_text(text)
            (self.bin / name).chmod(0o755)

    def sh(self, script):
        """Run a script there; returns it, finished."""

        return subprocess.run(["sh", "-s"], input=script, text=True, capture_output=True, check=False, timeout=60,
                              env={"PATH": f"{self.bin}:{os.environ['PATH']}", "STATE": str(self.state)})

    def calls(self):
        """What the programs were told since the last look, a list of str."""

        path  = self.state.with_name("state.calls")
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_scripts_pass_shellcheck(name):
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed: apt-get install shellcheck")
    done = subprocess.run(["shellcheck", "--shell", "sh", "-"], input=SCRIPTS[name], text=True, capture_output=True,
                          check=False)
    assert done.returncode == 0, done.stdout


def test_a_container_is_started_once_and_stopped_once(tmp_path):
    devices = tmp_path / "dev"
    (devices / "infiniband").mkdir(parents=True)
    (devices / "nvidiactl").write_text("")
    script  = setup.container_start(mounts=["/work space"], command="pip install x", devices=devices)
    machine = Machine(tmp_path, {"docker": DOCKER})
    done    = machine.sh(script)
    assert (done.returncode, done.stdout) == (0, "gt5 was started\n"), done.stderr
    calls   = machine.calls()
    started = next(line for line in calls if line.startswith("run"))
    for words in ("--network host", "--ipc host", "--ulimit memlock=-1", "--ulimit stack=67108864", "--gpus all",
                  f"--device {devices}/infiniband", "--volume /work space:/work space", f"{IMAGE} sleep infinity"):
        assert words in started
    assert f"pull {IMAGE}" in calls and "exec gt5 sh -c pip install x" in calls
    assert machine.sh(script).stdout == "gt5 runs already\n"
    assert not any(line.startswith(("run", "pull", "exec")) for line in machine.calls())
    machine.state.write_text(f"false {IMAGE}\n")
    assert machine.sh(script).stdout == "gt5 was started\n"
    assert "start gt5" in machine.calls()
    assert machine.sh(setup.container_stop()).stdout == "gt5 was stopped\n"
    assert machine.sh(setup.container_stop()).stdout == "gt5 does not run\n"
    assert machine.sh(setup.container_status()).stdout == "gt5 is not there\n"


@pytest.mark.parametrize("script", [setup.container_start(), setup.container_stop(), setup.container_status()],
                         ids=["start", "stop", "status"])
def test_a_docker_that_may_not_be_used_is_no_container_that_is_not_there(tmp_path, script):
    said    = "permission denied while trying to connect to the Docker daemon socket"
    machine = Machine(tmp_path, {"docker": f'#!/bin/sh\necho "{said}" >&2\nexit 1\n'})
    done    = machine.sh(script)
    assert done.returncode == 1 and done.stdout == ""
    assert "sudo usermod -aG docker" in checks.explain("box", done.stderr)


def test_a_container_of_another_image_is_left_alone(tmp_path):
    machine = Machine(tmp_path, {"docker": DOCKER})
    machine.state.write_text("true somebody/else:1\n")
    done = machine.sh(setup.container_start(devices=tmp_path))
    assert done.returncode == 1
    assert "gt5 is a container of another image (somebody/else:1)" in done.stderr


def test_a_machine_without_gpu_or_infiniband_asks_for_neither(tmp_path):
    machine = Machine(tmp_path, {"docker": DOCKER})
    assert machine.sh(setup.container_start(devices=tmp_path / "none")).returncode == 0
    assert not any("--gpus" in line or "--device" in line for line in machine.calls())


def test_a_folder_is_shared_once(tmp_path):
    machine = Machine(tmp_path, dict.fromkeys(("exportfs", "systemctl"), RECORD))
    script  = setup.nfs_server(tmp_path / "ws", ["192.168.100.11"], etc=tmp_path / "etc")
    assert "is shared: " in machine.sh(script).stdout
    exports = tmp_path / "etc" / "exports.d" / "genet5.exports"
    assert exports.read_text() == f"{tmp_path / 'ws'} 192.168.100.11({setup.EXPORT})\n"
    assert machine.calls() == ["systemctl enable --now nfs-server", "exportfs -ra"]
    before = exports.stat().st_mtime_ns
    assert "is shared already" in machine.sh(script).stdout
    assert exports.stat().st_mtime_ns == before


def test_a_folder_is_mounted_once_and_the_table_keeps_its_other_lines(tmp_path):
    etc = tmp_path / "etc"
    etc.mkdir()
    folder = tmp_path / "ws"
    (etc / "fstab").write_text(f"UUID=1 / ext4 defaults 0 1\n10.0.0.9:/old {folder} nfs ro 0 0\n")
    mounted = '#!/bin/sh\n[ -e "$STATE" ]\n'
    machine = Machine(tmp_path, {"mount.nfs": RECORD, "mount": RECORD + 'touch "$STATE"\n', "mountpoint": mounted})
    script  = setup.nfs_client(folder, "192.168.100.10", etc=etc)
    done    = machine.sh(script)
    assert done.returncode == 0, done.stderr
    expected = f"UUID=1 / ext4 defaults 0 1\n192.168.100.10:{folder} {folder} nfs {setup.MOUNT} 0 0\n"
    assert (etc / "fstab").read_text() == expected
    assert machine.calls() == [f"mount {folder}"]
    assert machine.sh(script).stdout == f"{folder} is mounted already\n"
    assert (etc / "fstab").read_text() == expected
    assert machine.calls() == []


def test_blanks_in_a_folder_s_name_part_no_fields(tmp_path):
    etc = tmp_path / "etc"
    etc.mkdir()
    folder = tmp_path / "it's my ws"
    field  = str(folder).replace(" ", r"\040")
    (etc / "fstab").write_text(f"10.0.0.9:/old {field} nfs ro 0 0\n")
    machine = Machine(tmp_path, dict.fromkeys(("mount.nfs", "mount", "mountpoint", "exportfs", "systemctl"), RECORD))
    assert machine.sh(setup.nfs_client(folder, "192.168.100.10", etc=etc)).returncode == 0
    assert (etc / "fstab").read_text() == f"192.168.100.10:{field} {field} nfs {setup.MOUNT} 0 0\n"
    assert machine.sh(setup.nfs_server(folder, ["192.168.100.11"], etc=etc)).returncode == 0
    assert (etc / "exports.d" / "genet5.exports").read_text() == f"{field} 192.168.100.11({setup.EXPORT})\n"


@pytest.mark.parametrize("words", [("container", "start"), ("container", "stop"), ("container", "status"),
                                   ("nfs", "server", "/workspace"), ("nfs", "client", "/workspace")])
def test_a_dry_run_prints_the_script_of_every_machine(run, words):
    code, out, _ = run("launch", *words, "--master", "192.168.100.10", "--worker", "192.168.100.11", "--dry-run")
    assert code == 0
    assert out.count("#!/bin/sh") == (1 if words[0] == "nfs" else 2)
    if words[1] != "server":
        assert "ssh -T" in out and "192.168.100.11" in out
