"""A loaded model that annotates genomes."""

import os

import torch

import genet5.errors as errors
import genet5.inference.annotate as annotating
import genet5.inference.genes as genes
import genet5.inference.settings as settings
import genet5.inference.sources as sources
import genet5.model.folder as folder
import genet5.tokenizer as tk


class Predictor:
    """Finds genes with a model.

    model:     GeneT5 in evaluation mode
    tokenizer: its tokenizer
    threads:   int, 0 takes all cores; the result does not depend on it
    """

    def __init__(self, model, tokenizer, threads=0):
        self.model     = model
        self.tokenizer = tokenizer
        self.threads   = threads if threads > 0 else _cores()

    @classmethod
    def load(cls, path, device="auto", threads=0):
        """Read a model folder.

        path:   path of the folder
        device: "auto" (CUDA where there is one), "cpu" or "cuda"
        raises DataError where the folder holds no model or the device is not there
        """

        model = folder.load(path, device_of(device))
        return cls(model, tk.load(model.folder / folder.TOKENIZER), threads)

    def predict(self, genome, contigs=None, genetic_code=None, progress=None, **wanted):
        """The genes of a genome or of a sequence.

        genome:       path of a FASTA file (plain, gzip or bgzip); or letters as str or bytes, one contig named
                      "sequence"; or a dict name -> letters
        contigs:      None or list of names, the only ones to look at
        genetic_code: int, NCBI's number of a table; None takes the model's
        progress:     None, or called with the number of bases done since the last call
        wanted:       other fields of genet5.inference.settings.Settings, as decoder="writer"
        returns a list of genes.Gene, in the order of the contigs, ascending by start
        raises InputError for a broken file, ValueError for a setting or contig that does not exist
        """

        chosen = settings.settle(self.model.config, genetic_code=genetic_code, **wanted)
        source = sources.open_source(genome, contigs)
        return [gene for _, found in self.annotate(source, chosen, progress) for gene in found]

    def annotate(self, source, chosen, progress=None):
        """The same, contig by contig.

        source: sources.Source
        chosen: settings.Settings
        yields (name, list of genes.Gene)
        """

        stream = annotating.annotate(self.model, self.tokenizer, source, chosen, self.threads, progress)
        for name, letters, found in stream:
            yield name, [genes.complete(name, letters, gene, chosen.grammar["genetic_code"]) for gene in found]


def device_of(name):
    """The torch device of a name.

    name: "auto", "cpu" or "cuda"
    raises DataError where CUDA is asked for and missing
    """

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise errors.DataError("no CUDA device here; --device cpu works everywhere")
    return torch.device(name)


def _cores():
    """Cores that this process may use; not every system says so."""

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
