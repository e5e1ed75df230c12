"""`genet5 launch`: runs on several machines, their containers and their shared folder."""

import functools
import pathlib
import shlex

import click

import genet5.cli as cli

COMMANDS = {
    "bake":      ("genet5.cli.launch:bake",            "genet5 bake on several machines, by Ray."),
    "container": ("genet5.cli.launch_setup:container", "Start, stop or look at the container on every machine."),
    "grpo":      ("genet5.cli.launch:grpo",            "genet5 grpo on several machines."),
    "nfs":       ("genet5.cli.launch_setup:nfs",       "Share the workspace of this machine, or use another's."),
    "sft":       ("genet5.cli.launch:sft",             "genet5 sft on several machines."),
}

EPILOG = """\b
Examples:
  genet5 launch sft baked/yeast model/yeast model/start --worker 192.168.100.11 --max-minutes 600
  genet5 launch sft baked/yeast model/yeast model/start --cluster boxes.toml --resume --retries 3
  genet5 launch sft baked/yeast model/yeast model/start --worker 192.168.100.11 --dry-run
  genet5 launch grpo grpo/fungi model/better model/fungi --cluster boxes.toml --max-minutes 600
"""


@click.group(cls=cli.LazyGroup, table=COMMANDS)
def launch():
    """Train on several machines with one command."""


def machines(command):
    """Options that say which machines there are."""

    options = [
        click.option("--worker", "workers", multiple=True, metavar="HOST", help="Another machine, as ssh knows it."),
        click.option("--master", metavar="ADDRESS", help="This machine's address.  [default: the one toward a worker]"),
        click.option("--cluster", "file", type=click.Path(exists=True, dir_okay=False),
                     help="TOML file with master, workers and more (docs/training.md)."),
        click.option("--container", metavar="NAME", help="Run inside of this container on every machine."),
        click.option("--python", help="Python of every machine.  [default: this one's path]"),
        click.option("--env", "variables", multiple=True, metavar="NAME=VALUE", help="For every machine; repeatable."),
        click.option("--ssh-config", type=click.Path(exists=True, dir_okay=False), help="Passed on as ssh -F."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def cluster(workers, master, file, container, python, variables, ssh_config, **more):
    """The Cluster that the options of `machines` and a file name; options come on top."""

    import genet5.launch.cluster as clusters

    wrong = [text for text in variables if "=" not in text]
    if wrong:
        raise click.BadParameter(f"{wrong[0]!r} is not NAME=VALUE", param_hint="--env")
    fields = clusters.read(file) if file else {}
    given  = {"workers": list(workers), "master": master, "container": container, "python": python,
              "ssh_config": ssh_config, **more}
    fields.update({name: value for name, value in given.items() if value})
    fields["env"] = {**fields.get("env", {}), **dict(text.split("=", 1) for text in variables)}
    return clusters.Cluster(**fields)


def training(command):
    """Argument and options of a launch of training."""

    import genet5.launch.launcher as launcher

    options = [
        click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="DATA_DIR [OUT_DIR] MODEL [OPTIONS]"),
        machines,
        click.option("--processes", type=click.IntRange(0), default=0,
                     help="Of each machine.  [default: one for each GPU]"),
        click.option("--port", type=click.IntRange(0, 65535), default=0,
                     help="Of the rendezvous.  [default: a free one]"),
        click.option("--retries", type=click.IntRange(0), default=0, show_default=True,
                     help="Times that a failed run goes on from its last checkpoint."),
        click.option("--first-timeout", type=click.FloatRange(1), default=launcher.FIRST, show_default=True,
                     help="Seconds that may pass before the first step, and in an evaluation."),
        click.option("--timeout", type=click.FloatRange(1), default=launcher.LATER, show_default=True,
                     help="Seconds that may pass between two steps."),
        click.option("--dry-run", is_flag=True, help="Print every command and run none."),
    ]
    for option in reversed(options):
        command = option(command)
    return click.command(epilog=EPILOG, context_settings={"ignore_unknown_options": True})(command)


@training
def sft(**given):
    """Train on this machine and on every --worker; the options of genet5 sft follow as they are.

    First every machine is examined (genet5 doctor): same versions, code, data and model, clock, memory, disk and link.
    DATA_DIR and MODEL lie at the same path everywhere; OUT_DIR is needed here only. Ctrl-C saves a checkpoint and
    stops everywhere; twice stops at once. When anything fails on one machine, all stop within a minute.
    """

    return train("sft", **given)


@training
def grpo(**given):
    """Reinforce on this machine and on every --worker; the options of genet5 grpo follow as they are.

    All is as for genet5 launch sft; DATA_DIR comes from genet5 prep-grpo. Modules of --reward have to be importable
    on every machine (--env PYTHONPATH=FOLDER).
    """

    return train("grpo", **given)


def train(name, arguments, processes, port, retries, first_timeout, timeout, dry_run, **where):
    """Launch `genet5 {name}`; returns the exit code."""

    import genet5.launch.launcher as launcher

    boxes   = cluster(processes=processes, port=port, **where)
    command = parse(name, arguments)
    run     = launcher.Launch(boxes, command["arguments"], command["out"], command["folders"], command["need"],
                              first_timeout, timeout, retries, lambda text: click.echo(text, err=True))
    if dry_run:
        show(run.commands())
        return 0
    return run.go()


def show(commands):
    """Print commands, (node, list of str) each, for --dry-run."""

    for node, words in commands:
        click.echo(f"# {node}\n{shlex.join(words)}")


@click.command(context_settings={"ignore_unknown_options": True}, epilog="""\b
Examples:
  genet5 launch bake /ws/raw /ws/baked/all --tokenizer /ws/tok --worker 192.168.100.11
  genet5 launch bake /ws/raw /ws/baked/all --tokenizer /ws/tok --ray-address auto
""")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="RAW_DIR [OUT_DIR] [OPTIONS OF BAKE]")
@machines
@click.option("--ray-address", help="Use this Ray cluster that is there, instead of starting one.")
@click.option("--dry-run", is_flag=True, help="Print every command and run none.")
def bake(arguments, ray_address, dry_run, **where):
    """Bake on this machine and on every --worker by Ray, some contigs at a time; the options of genet5 bake follow.

    RAW_DIR and OUT_DIR lie in a folder that all machines share (genet5 launch nfs). The files are the same as those of
    genet5 bake; a machine that dies half-way changes nothing in them.
    """

    import contextlib

    import genet5.launch.baking as baking

    settings = bake_settings(arguments)
    say      = functools.partial(click.echo, err=True)
    if ray_address:
        if dry_run:
            click.echo(f"# no command is run; the tasks go to the Ray cluster at {ray_address}")
            return
        stats = baking.bake(settings, ray_address, tell=say)
    else:
        boxes = cluster(**where)
        if dry_run:
            show(baking.every_command(boxes, settings["raw_dir"], settings["out_dir"]))
            return
        baking.check(boxes, settings["raw_dir"], settings["out_dir"])
        with contextlib.ExitStack() as stack:
            started = stack.enter_context(baking.cluster(boxes, settings["out_dir"], say))
            stats   = baking.bake(settings, started.address, started, settings["threads"], say)
    say(f"{settings['out_dir']}: {len(stats)} species baked")


def bake_settings(words):
    """Read the arguments of genet5 bake as it would itself; returns the arguments of genet5.bake.Bake."""

    import genet5.cli.bake as command

    with command.bake.make_context("genet5 launch bake", list(words)) as ctx:
        settings = command.arguments({name: value for name, value in ctx.params.items() if name != "as_json"})
    for name in ("raw_dir", "out_dir", "tokenizer"):
        settings[name] = settings[name].resolve()
    return settings


def parse(name, words):
    """Read the arguments of a command of training as it would itself, so that a wrong one is told at once.

    name:  str, sft or grpo
    words: tuple of str
    returns dict: arguments (of genet5, paths absolute), out, folders (data and model), need (bytes of disk)
    """

    import genet5.cli.sft as supervised
    import genet5.launch.checks as checks

    command, kind = _command(name)
    with command.make_context(f"genet5 launch {name}", list(words)) as ctx:
        out, model = supervised.folders(ctx)
        data, base = ctx.params["data_dir"], ctx.params["base"]
        _settle(ctx, kind, base)
        # parse once more without the folders, to keep the options as the user wrote them
        options    = list(words)
        for path in (ctx.params["data_dir"], ctx.params["out_dir"], ctx.params["model"]):
            if path is not None:
                options.remove(path)
        # the other machines do not start in this folder
        options    = [word.replace(base, str(pathlib.Path(base).resolve())) if base and word.endswith(base) else word
                      for word in options]
    data, out, model = (pathlib.Path(path).resolve() for path in (data, out, model))
    return {"arguments": [name, str(data), str(out), str(model), *options], "out": out, "folders": (data, model),
            "need":      checks.need(model, ctx.params["keep_checkpoints"])}


def _command(name):
    """A command of training and the class of its configuration."""

    if name == "grpo":
        import genet5.cli.grpo as reinforced
        import genet5.grpo.config as configs

        return reinforced.grpo, configs.GrpoConfig
    import genet5.cli.sft as supervised
    import genet5.train.config as configs

    return supervised.sft, configs.TrainConfig


def _settle(ctx, kind, base):
    """The configuration that the options and a file mean; raises DataError where a value is out of range."""

    import dataclasses

    import genet5.train.config as configs

    given = {name: value for name, value in ctx.params.items() if name in configs.names(kind)
             and ctx.get_parameter_source(name) != click.core.ParameterSource.DEFAULT}
    return dataclasses.replace(configs.read(base, kind) if base else kind(), **given)
