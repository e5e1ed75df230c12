"""The logs for TensorBoard."""

import math
import pathlib

import genet5.errors as errors


class Board:
    """Scalars of the logs under {folder}/tensorboard.

    folder: path of the run
    upto:   int, forget what an earlier process wrote beyond this step; None: nothing was written before
    raises MissingDependency where tensorboard is not installed
    """

    def __init__(self, folder, upto=None):
        errors.require("tensorboard", "watch")
        import torch.utils.tensorboard as tensorboard

        purge       = None if upto is None else upto + 1
        self.writer = tensorboard.SummaryWriter(str(pathlib.Path(folder) / "tensorboard"), purge_step=purge)

    def write(self, kind, row):
        """Add a row of a log.

        kind: "train" or "eval", the group of the curves
        row:  dict column -> value; only finite numbers are drawn
        """

        for name, value in row.items():
            if name != "step" and isinstance(value, (int, float)) and math.isfinite(value):
                self.writer.add_scalar(f"{kind}/{name}", value, row["step"])
        self.writer.flush()

    def close(self):
        """Close the files."""

        self.writer.close()
