"""Shell scripts that set machines up: the container of a run, and a workspace shared by NFS. All may run again."""

import shlex
import subprocess

import genet5.errors as errors
import genet5.launch.checks as checks

IMAGE = "nvcr.io/nvidia/pytorch:25.12-py3"
NAME  = "gt5"
# for the first pull of an image of 20 GB
PATIENCE = 3600
# checkpoints count on fsync, so the server answers when the data is on its disk
EXPORT = "rw,sync,no_subtree_check,no_root_squash"
MOUNT  = "rw,hard,noatime,nconnect=8,rsize=1048576,wsize=1048576,_netdev,nofail"
# runs a script from the input as root
AS_ROOT = ["sh", "-c", 'if [ "$(id -u)" -eq 0 ]; then exec sh -s; else exec sudo -n sh -s; fi']

_START = """\
#!/bin/sh
# start the container of GeneT5 unless it runs
set -eu
name={name}
image={image}
docker version >/dev/null
state=$(docker container inspect --format '{{{{.State.Running}}}} {{{{.Config.Image}}}}' "$name" 2>/dev/null || true)
case "$state" in
"true $image")
    echo "$name runs already"
    exit 0
    ;;
"false $image")
    docker start "$name" >/dev/null
    ;;
"")
    docker image inspect "$image" >/dev/null 2>&1 || docker pull "$image"
    set -- --detach --name "$name" --network host --ipc host --ulimit memlock=-1 --ulimit stack=67108864
    if [ -e {devices}/nvidiactl ]; then
        set -- "$@" --gpus all
    fi
    if [ -e {devices}/infiniband ]; then
        set -- "$@" --device {devices}/infiniband --cap-add IPC_LOCK
    fi
    docker run "$@"{mounts} "$image" sleep infinity >/dev/null
    ;;
*)
    echo "error: $name is a container of another image (${{state#* }}): genet5 launch container stop removes it" >&2
    exit 1
    ;;
esac
{setup}echo "$name was started"
"""

_STOP = """\
#!/bin/sh
# stop and remove the container of GeneT5
set -eu
name={name}
docker version >/dev/null
if docker container inspect "$name" >/dev/null 2>&1; then
    docker stop --time 30 "$name" >/dev/null
    docker rm "$name" >/dev/null
    echo "$name was stopped"
else
    echo "$name does not run"
fi
"""

_STATUS = """\
#!/bin/sh
# say how the container of GeneT5 is
set -eu
name={name}
docker version >/dev/null
form='{{{{.Name}}}} {{{{.State.Status}}}} since {{{{.State.StartedAt}}}}, {{{{.Config.Image}}}}'
docker container inspect --format "$form" "$name" 2>/dev/null || echo "$name is not there"
"""

_SERVER = """\
#!/bin/sh
# share a folder with other machines by NFS
set -eu
folder={folder}
exports={etc}/exports.d/genet5.exports
wanted={line}
if ! command -v exportfs >/dev/null; then
    apt-get update
    apt-get install --yes nfs-kernel-server
fi
mkdir -p "$folder" {etc}/exports.d
if [ "$(cat "$exports" 2>/dev/null || true)" = "$wanted" ]; then
    echo "$folder is shared already"
else
    printf '%s\\n' "$wanted" >"$exports"
    echo "$folder is shared: $wanted"
fi
systemctl enable --now nfs-server
exportfs -ra
"""

_CLIENT = """\
#!/bin/sh
# use a folder of another machine by NFS, now and after every start
set -eu
folder={folder}
table={etc}/fstab
wanted={line}
if ! command -v mount.nfs >/dev/null; then
    apt-get update
    apt-get install --yes nfs-common
fi
mkdir -p "$folder"
if ! grep -Fqx -e "$wanted" "$table"; then
    FIELD={field} awk '!($2 == ENVIRON["FIELD"] && $3 ~ /^nfs/)' "$table" >"$table.genet5"
    printf '%s\\n' "$wanted" >>"$table.genet5"
    cat "$table.genet5" >"$table"
    rm "$table.genet5"
    echo "$table: $wanted"
fi
if mountpoint -q "$folder"; then
    echo "$folder is mounted already"
else
    mount "$folder"
    echo "$folder was mounted"
fi
"""


def container_start(image=IMAGE, name=NAME, mounts=(), command="", devices="/dev"):
    """The script that starts the container on one machine.

    mounts:  paths that lie at the same place inside
    command: str, shell command run inside once it is up (an installation); may run again
    devices: path of the machine's device files
    """

    words = "".join(f" --volume {shlex.quote(f'{path}:{path}')}" for path in map(str, mounts))
    setup = f'docker exec "$name" sh -c {shlex.quote(command)}\n' if command else ""
    return _START.format(name=shlex.quote(name), image=shlex.quote(image), mounts=words, setup=setup, devices=devices)


def container_stop(name=NAME):
    """The script that stops and removes it."""

    return _STOP.format(name=shlex.quote(name))


def container_status(name=NAME):
    """The script that says how it is."""

    return _STATUS.format(name=shlex.quote(name))


def nfs_server(folder, clients, etc="/etc"):
    """The script that shares a folder.

    folder:  path on the server
    clients: addresses that may use it
    """

    line = " ".join([_field(folder), *(f"{client}({EXPORT})" for client in clients)])
    return _SERVER.format(folder=shlex.quote(str(folder)), line=shlex.quote(line), etc=etc)


def nfs_client(folder, server, etc="/etc"):
    """The script that mounts a server's folder at the same place."""

    field = _field(folder)
    line  = f"{server}:{field} {field} nfs {MOUNT} 0 0"
    return _CLIENT.format(folder=shlex.quote(str(folder)), field=shlex.quote(field), line=shlex.quote(line), etc=etc)


def _field(folder):
    """A path as fstab and exports have it, where blanks part the fields."""

    return str(folder).replace("\\", "\\134").replace(" ", "\\040").replace("\t", "\\011")


def run(cluster, scripts, as_root=False, tell=print):
    """Run one script on each machine, one after the other.

    cluster: clusters.Cluster, without its container
    scripts: dict node -> str
    raises GeneT5Error naming the machine on which one failed
    """

    shell = AS_ROOT if as_root else ["sh", "-s"]
    for node, script in scripts.items():
        try:
            done = subprocess.run(cluster.on(node, shell), input=script, capture_output=True, text=True, check=False,
                                  timeout=PATIENCE)
        except subprocess.TimeoutExpired as error:
            raise errors.GeneT5Error(f"node {node}: no end within {PATIENCE} s") from error
        for line in done.stdout.splitlines():
            tell(f"[{node}] {line}")
        if done.returncode:
            raise errors.GeneT5Error(f"node {node}: {checks.explain(node, done.stderr)}")
