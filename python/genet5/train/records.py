"""What a run writes about itself beside its checkpoints: the logs, TensorBoard, and finetune_config.json."""

import json
import pathlib

import genet5.outputs as outputs
import genet5.train.board as boards
import genet5.train.logs as logs

SETTINGS = "finetune_config.json"


class Records:
    """The logs of a run, and TensorBoard where it is wanted.

    folder:      path of the run
    training, evaluation: dicts column -> meaning
    upto:        int, keep what is there up to this step; None: begin anew
    tensorboard: bool
    tell:        function of a str, for warnings
    """

    def __init__(self, folder, training, evaluation, upto, tensorboard, tell):
        self.folder     = pathlib.Path(folder)
        self.training   = logs.Log(self.folder / "training_log.csv", training, upto, tell)
        self.evaluation = logs.Log(self.folder / "eval_log.csv", evaluation, upto, tell)
        self.board      = boards.Board(self.folder, upto) if tensorboard else None

    def step(self, row):
        """A row of training_log.csv."""

        self._write("train", self.training, row)

    def evaluated(self, row):
        """A row of eval_log.csv."""

        self._write("eval", self.evaluation, row)

    def close(self):
        """Close the files."""

        for log in (self.training, self.evaluation, self.board):
            if log is not None:
                log.close()

    def _write(self, kind, log, row):
        log.write(row)
        if self.board is not None:
            self.board.write(kind, row)


def write_settings(folder, settings):
    """finetune_config.json: the whole configuration, from which the same run can be started again.

    folder:   path of the run
    settings: dict of plain values
    """

    outputs.write_text(pathlib.Path(folder) / SETTINGS, json.dumps(settings, indent=2) + "\n")
