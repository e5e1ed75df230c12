"""Exit codes: 0 fine, 1 bad input or failure, 2 wrong usage, 75 stopped for want of memory, 130 Ctrl-C."""

import os
import sys

import click

import genet5.errors as errors


def run(command, name):
    """Run a click command and return the exit code; a user's mistake is one line on stderr.

    command: click.Command
    name:    str, the program's name
    `--debug` anywhere among the arguments, or GENET5_DEBUG=1, lets the traceback through.
    """

    debug = "--debug" in sys.argv or os.environ.get("GENET5_DEBUG", "0") not in ("", "0")
    try:
        code = command.main(prog_name=name, standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.UsageError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    except BrokenPipeError:
        # the reader of our output has gone, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (errors.GeneT5Error, OSError, ValueError, OverflowError) as error:
        if debug:
            raise
        click.echo(f"error: {describe(error)}", err=True)
        return getattr(error, "exit_code", 1)


def describe(error):
    """One line for an exception: file first where there is one."""

    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, OverflowError):
        # the extension's note names the parameter
        return " ".join(("a number is out of range", *getattr(error, "__notes__", ())))
    return " ".join(str(error).split())
