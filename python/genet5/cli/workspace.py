"""The options that name a run which is given no folder."""

import click


def option(command):
    """--workspace and --name."""

    command = click.option("--name", help="Name of the run in its folder's name.  [default: that of DATA_DIR]")(command)
    return folder(command)


def folder(command):
    """--workspace alone, read from GENET5_WORKSPACE as well."""

    return click.option("--workspace", type=click.Path(file_okay=False), envvar="GENET5_WORKSPACE",
                        help="Where runs go that are given no folder.  [env: GENET5_WORKSPACE]")(command)
