"""Choose decoder and thresholds of a model folder on an eval.json, as the end of a training run does.

Usage: python benches/calibrate.py MODEL_DIR EVAL_JSON [BATCH_SIZE]
"""

import json
import pathlib
import sys

import genet5.inference.evaluation as evaluation
import genet5.machine as machine
import genet5.model.folder as folders
import genet5.train.device as devices


def main(folder, samples, batch_size=128):
    """Write the choice into the folder's config.json and print it with the gene F1 of each decoder."""

    model  = folders.load(folder, devices.choose("auto"))
    scores = evaluation.calibrate(model, json.loads(pathlib.Path(samples).read_text()), threads=machine.cores(),
                                  batch_size=int(batch_size))
    folders.save_config(model.config, folder)
    print(json.dumps({"decoding": model.config.decoding,
                      **{decoder: rates["gene_f1"] for decoder, rates in scores.items()}}))


if __name__ == "__main__":
    main(*sys.argv[1:])
