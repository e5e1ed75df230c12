"""Prediction: a model and a genome in, gene models out."""

import genet5.errors as errors


def load(path, device="auto", threads=0):
    """A model folder, ready to predict.

    path:    path of the folder
    device:  "auto" (CUDA where there is one), "cpu" or "cuda"
    threads: int, 0 takes all cores; the result does not depend on it
    returns genet5.inference.predict.Predictor
    raises MissingDependency without torch, DataError where the folder holds no model
    """

    errors.require("torch", "model")
    import genet5.inference.predict as predict

    return predict.Predictor.load(path, device=device, threads=threads)


def evaluate(model, samples, **options):
    """Gene F1 of both decoders on samples of eval.json; see genet5.inference.evaluation.evaluate."""

    errors.require("torch", "model")
    import genet5.inference.evaluation as evaluation

    return evaluation.evaluate(model, samples, **options)
