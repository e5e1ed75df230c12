"""`genet5 doctor`: what this machine has, lacks, and what would be slow."""

import datetime
import json
import pathlib

import click

EPILOG = """\b
Examples:
  genet5 doctor
  genet5 doctor --data baked/yeast --peer 192.168.100.11
  genet5 doctor --json
"""


@click.command(epilog=EPILOG)
@click.option("--data", "folders", multiple=True, type=click.Path(path_type=pathlib.Path),
              help="Hash this baked, raw or model folder, to compare it with its copy elsewhere; repeatable.")
@click.option("--out", type=click.Path(path_type=pathlib.Path), help="Look at the disk of this folder instead of here.")
@click.option("--peer", metavar="ADDRESS", help="Name the network interface that leads to this machine.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.pass_context
def doctor(ctx, folders, out, peer, as_json):
    """Say what is installed, what is missing and what would be slow, with the command that mends it.

    The exit code is 1 where something is missing that training needs.
    """

    import genet5.launch.doctor as doctors

    report = doctors.examine(folders, out, peer)
    if as_json:
        click.echo(json.dumps(report, indent=2))
    else:
        tell(report, doctors.size)
    ctx.exit(int(any(one["level"] == "missing" for one in report["findings"])))


def tell(report, size):
    """Print a report for people."""

    import genet5.cli.tables as tables

    memory = report["memory"]
    clock  = datetime.datetime.fromtimestamp(report["time"]).astimezone().isoformat(timespec="seconds")
    rows   = [["genet5", f"{report['genet5']}, code {report['code_hash']}, {report['core_profile']} build"],
              ["python", f"{report['python']}, {report['executable']}"],
              *([name, found or "-"] for name, found in report["packages"].items()),
              ["cuda", report["cuda"] or "-"],
              *([f"gpu {number}", f"{one['name']}, capability {one['capability']}, {size(one['memory'])}"]
                for number, one in enumerate(report["devices"])),
              ["cores", str(report["cores"])],
              ["memory", "-" if memory["available"] is None else f"{size(memory['available'])} available"],
              ["disk", f"{size(report['disk']['free'])} free at {report['disk']['path']}"],
              ["clock", clock],
              *([one["name"], describe(one)] for one in report["interfaces"]),
              *([f"hash of {folder}", found] for folder, found in report["hashes"].items())]
    if report["link"]:
        link = report["link"]
        rows.append(["NCCL", f"NCCL_SOCKET_IFNAME={link['interface'] or '?'}"
                     f"{' NCCL_IB_HCA=' + ','.join(link['hcas']) if link['hcas'] else ''}"])
    tables.show(f"{report['host']}: {report['platform']}", ["", ""], rows)
    for one in report["findings"]:
        click.echo(f"{one['level']}: {one['what']}\n    {one['remedy']}")
    if not report["findings"]:
        click.echo("nothing is missing")


def describe(interface):
    """A network interface in one line."""

    parts = [interface["state"], f"MTU {interface['mtu']}", interface["address"],
             f"{interface['speed']} Mbit/s" if interface["speed"] else None, interface["hca"]]
    return ", ".join(part for part in parts if part)
