"""`genet5 launch container` and `genet5 launch nfs`: machines made ready for runs."""

import pathlib
import shlex

import click

import genet5.cli.launch as launching


def carry_out(where, scripts, as_root, dry_run):
    """Print or run a script for each machine.

    scripts: function of a Cluster that gives a dict node -> str
    """

    import genet5.launch.setup as setup

    boxes = launching.cluster(**{**where, "container": None})
    boxes.container = ""
    todo  = scripts(boxes)
    if dry_run:
        shell = setup.AS_ROOT if as_root else ["sh", "-s"]
        for node, script in todo.items():
            click.echo(f"# {node}: {shlex.join(boxes.on(node, shell))}\n{script}")
        return
    setup.run(boxes, todo, as_root, click.echo)


def common(command):
    """--dry-run and the machines."""

    dry = click.option("--dry-run", is_flag=True, help="Print the commands and scripts and run none.")
    return launching.machines(dry(command))


@click.group()
def container():
    """Start, stop or look at the container on every machine."""


@container.command(epilog="Example: genet5 launch container start --worker 192.168.100.11 --mount /workspace")
@common
@click.option("--image", help="Image.  [default: nvcr.io/nvidia/pytorch:25.12-py3]")
@click.option("--mount", "mounts", multiple=True, type=click.Path(path_type=pathlib.Path),
              help="Folder of the machine, at the same path inside; repeatable.")
@click.option("--setup", "command", default="", help="Shell command run inside once it is up, as in 'pip install …'.")
def start(image, mounts, command, dry_run, **where):
    """Start the container on this machine and every worker; one that runs stays.

    Host network and IPC, unlimited locked memory, all GPUs and the InfiniBand devices where there are any.
    --container NAME is its name, gt5 by default.
    """

    import genet5.launch.setup as setup

    script = setup.container_start(image or setup.IMAGE, where["container"] or setup.NAME, mounts, command)
    carry_out(where, lambda boxes: dict.fromkeys(boxes.nodes, script), False, dry_run)


@container.command()
@common
def stop(dry_run, **where):
    """Stop and remove the container on this machine and every worker."""

    import genet5.launch.setup as setup

    script = setup.container_stop(where["container"] or setup.NAME)
    carry_out(where, lambda boxes: dict.fromkeys(boxes.nodes, script), False, dry_run)


@container.command()
@common
def status(dry_run, **where):
    """Say how the container is on this machine and every worker."""

    import genet5.launch.setup as setup

    script = setup.container_status(where["container"] or setup.NAME)
    carry_out(where, lambda boxes: dict.fromkeys(boxes.nodes, script), False, dry_run)


@click.group()
def nfs():
    """Share the workspace of this machine, or use another's."""


@nfs.command(epilog="Example: genet5 launch nfs server /workspace --worker 192.168.100.11")
@click.argument("folder", type=click.Path(path_type=pathlib.Path))
@common
def server(folder, dry_run, **where):
    """Export FOLDER of this machine to every worker (as root, or with sudo)."""

    import genet5.launch.setup as setup

    carry_out(where, lambda boxes: {boxes.master: setup.nfs_server(
        folder.absolute(), [boxes.address(worker) for worker in boxes.workers])}, True, dry_run)


@nfs.command(epilog="Example: genet5 launch nfs client /workspace --worker 192.168.100.11")
@click.argument("folder", type=click.Path(path_type=pathlib.Path))
@common
def client(folder, dry_run, **where):
    """Mount FOLDER of this machine on every worker, now and after every start of theirs (as root, or with sudo)."""

    import genet5.launch.setup as setup

    carry_out(where, lambda boxes: dict.fromkeys(boxes.workers, setup.nfs_client(folder.absolute(), boxes.master)),
              True, dry_run)
