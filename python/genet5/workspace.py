"""Where runs go that are not given a folder: under the workspace, by date, content and number."""

import datetime
import pathlib
import re

import genet5.bake as baking
import genet5.errors as errors


def baked_folder(workspace, species, val_species, eval_samples, today=None):
    """workspace/baked/GeneT5/{mon}{DD}_s{species}_v{validation species}_e{eval samples}.

    species, val_species, eval_samples: int, numbers of them
    today: datetime.date
    """

    return _home(workspace, "baked") / f"{_day(today)}_s{species}_v{val_species}_e{eval_samples}"


def model_folder(workspace, name, today=None):
    """workspace/model/GeneT5/{mon}{DD}_{name}_t{next free number}.

    name:  str, what the run is about
    today: datetime.date
    """

    home   = _home(workspace, "model")
    stem   = f"{_day(today)}_{name}_t"
    taken  = [int(match[1]) for path in (home.iterdir() if home.is_dir() else [])
              if (match := re.fullmatch(re.escape(stem) + r"(\d+)", path.name))]
    return home / f"{stem}{max(taken, default=0) + 1}"


def latest_model_folder(workspace, name):
    """The newest folder of a name, of any day: what --resume without a folder means; None where there is none."""

    home  = _home(workspace, "model")
    found = [path for path in (home.iterdir() if home.is_dir() else [])
             if re.fullmatch(rf"[a-z]{{3}}\d\d_{re.escape(name)}_t\d+", path.name)]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def settle_model(out_dir, workspace, name, data_dir, resume=False):
    """The folder of a training run: the one given, or by the convention.

    out_dir:   path or None
    workspace: path or None
    name:      str or None; None: the name of data_dir
    resume:    bool, go on with the newest run of the name
    raises DataError where neither out_dir nor workspace is given, or the name cannot be part of a folder's name
    """

    if out_dir is not None:
        return pathlib.Path(out_dir)
    _demand(workspace, "OUT_DIR")
    name = name or pathlib.Path(data_dir).resolve().name
    if not re.fullmatch(r"[^/.][^/]*", name):
        raise errors.DataError(f"--name {name!r} is no part of a folder's name; leave / out")
    return (resume and latest_model_folder(workspace, name)) or model_folder(workspace, name)


def settle_baked(out_dir, workspace, raw_dir, species, val_species, eval_samples):
    """The folder of a bake: the one given, or by the convention; see `baked_folder`.

    species, val_species: lists of names; no species: all of raw_dir
    """

    if out_dir is not None:
        return pathlib.Path(out_dir)
    _demand(workspace, "OUT_DIR")
    count = len(baking.find_species(raw_dir, species))
    return baked_folder(workspace, count - len(set(val_species)), len(set(val_species)), eval_samples)


def _home(workspace, kind):
    return pathlib.Path(workspace) / kind / "GeneT5"


def _day(today):
    # English names whatever the locale
    today = today or datetime.date.today()
    return f"{('jan feb mar apr may jun jul aug sep oct nov dec').split()[today.month - 1]}{today.day:02d}"


def _demand(workspace, what):
    if not workspace:
        raise errors.DataError(f"give {what}, or --workspace (GENET5_WORKSPACE), where the folder is named by itself")
