"""Genomes into training data: windows, targets, shards and held-out samples."""

import json
import math
import pathlib
import time

import genet5._core as core
import genet5.errors as errors

GENOME_NAMES = ("fna.gz", "fna")
VAL_SHARE    = 0.05
# what says whose a folder is; both commands write an eval.json
CONFIG, WINDOWS = "bake_config.json", "prep_config.json"


class Bake:
    """A bake of a folder of species; the work is done in Rust.

    raw_dir:       path, one folder per species with fna.gz and gff.gz (or fna, gff, gtf.gz, gtf)
    out_dir:       path, where the files go (docs/formats.md)
    tokenizer:     path of a tokenizer.json or of the folder that holds one
    species:       names of folders; empty for all
    window_size:   int, bases of a window
    stride:        int, bases from one training window to the next; None: window_size / e
    empty_share:   float, share of training windows without a gene
    keep_invalid:  bool, keep windows that touch a gene without a valid reading frame
    val_species:   names of species that are held out as a whole
    val_contigs:   dict species -> list of contigs that are held out
    val_share:     float, share of each species that holds out nothing by name, in blocks of 200 kb (smaller
                   ones in a small genome); None: 0.05 when nothing at all is held out by name, else 0
    genetic_codes: dict species -> NCBI table, 1 where none is given
    eval_samples:  int, samples of a species in eval.json
    grammar:       dict with table_starts, min_intron, max_intron
    train, eval:   bool, make the shards; make validation.bin and eval.json
    force:         bool, start over in a folder that was baked before
    strict:        bool, refuse an annotation that must be repaired
    raises InputError, ValueError and OSError
    """

    def __init__(self, raw_dir, out_dir, tokenizer, species=(), window_size=20000, stride=None, empty_share=0.1,
                 keep_invalid=False, val_species=(), val_contigs=None, val_share=None, genetic_codes=None,
                 eval_samples=32, grammar=None, seed=0, threads=0, train=True, eval=True, force=False,
                 strict=False):
        val_contigs   = val_contigs or {}
        genetic_codes = genetic_codes or {}
        names         = find_species(raw_dir, species)
        check_names(names, {"--val-species": val_species, "--val-contigs": val_contigs,
                            "--genetic-code": genetic_codes})
        by_name = bool(val_species or val_contigs)
        if val_share is None:
            val_share = 0.0 if by_name else VAL_SHARE
        rows = [{"name":              name,
                 "genetic_code":      genetic_codes.get(name, 1),
                 "held_out":          name in val_species,
                 "held_out_contigs":  sorted(set(val_contigs.get(name, ()))),
                 "held_out_share":    val_share}
                for name in names]
        settings = {"window_size":   window_size,
                    "stride":        stride or max(1, round(window_size / math.e)),
                    "empty_share":   empty_share,
                    "keep_invalid":  keep_invalid,
                    "eval_samples":  eval_samples,
                    "seed":          seed,
                    "grammar":       grammar or {},
                    "species":       rows}
        self.out_dir = pathlib.Path(out_dir)
        if (self.out_dir / WINDOWS).exists():
            raise errors.DataError(f"{out_dir} holds windows of genet5 prep-grpo, an eval.json as well; name another "
                                   f"folder")
        self.seconds = {}
        self.core    = core.bake.Baker(raw_dir, out_dir, json.dumps(settings), tokenizer_file(tokenizer), train=train,
                                       eval=eval, force=force, strict=strict, threads=threads)

    @property
    def species(self):
        """Names of the species in order, list of str."""

        return self.core.species

    def is_finished(self):
        """Whether nothing is left to do."""

        return self.core.is_finished()

    def bake(self, index):
        """Bake one species.

        index: int, its place in `species`
        returns (bool, dict): whether there was something to do, and its stats.json (None without shards)
        """

        began        = time.perf_counter()
        baked, stats = self.core.bake(index)
        self.seconds[self.species[index]] = time.perf_counter() - began
        return baked, json.loads(stats) if stats else None

    def portions(self, index):
        """How many portions the contigs of a species are worth where machines share them; 0: it is finished."""

        return self.core.portions(index)

    def bake_portion(self, index, portion, count):
        """Bake the contigs of one portion of a species, for `join`; one that is there already costs nothing.

        portion: int, below count
        count:   int, portions of the species in all
        """

        self.core.bake_portion(index, portion, count)

    def join(self, index, count):
        """Make the files of a species, byte for byte those of `bake`, from all portions of it.

        returns what `bake` returns
        raises OSError where a portion is missing
        """

        baked, stats = self.core.join(index, count)
        return baked, json.loads(stats) if stats else None

    def progress(self):
        """(windows written, windows to write) of the species under way; any thread may ask."""

        return self.core.progress()

    def finish(self):
        """Join the held-out windows of all species into validation.bin and eval.json."""

        self.core.finish()


def bake(*args, **settings):
    """Bake everything without a word; takes what `Bake` takes.

    returns dict species -> its stats.json as a dict
    """

    run   = Bake(*args, **settings)
    stats = {name: run.bake(index)[1] for index, name in enumerate(run.species)}
    run.finish()
    return stats


def find_species(raw_dir, wanted=()):
    """Names of the species folders, sorted.

    raw_dir: path
    wanted:  names to choose; empty for every folder with a genome
    raises InputError when there is none or a wanted one is missing
    """

    raw_dir = pathlib.Path(raw_dir)
    if not raw_dir.is_dir():
        raise errors.InputError(f"{raw_dir}: no such folder", raw_dir)
    found   = sorted(folder.name for folder in raw_dir.iterdir()
                     if any((folder / name).is_file() for name in GENOME_NAMES))
    missing = sorted(set(wanted) - set(found))
    if missing:
        raise errors.InputError(f"{raw_dir}: no species {', '.join(missing)} with fna.gz; there are {', '.join(found)}",
                                raw_dir)
    if not found:
        raise errors.InputError(f"{raw_dir}: no folder with fna.gz and gff.gz in it", raw_dir)
    return [name for name in found if not wanted or name in wanted]


def check_names(names, mentioned):
    """Refuse options that speak of a species that is not baked.

    names:     list of str, the species
    mentioned: dict option -> iterable of names
    raises ValueError
    """

    for option, used in mentioned.items():
        unknown = sorted(set(used) - set(names))
        if unknown:
            raise ValueError(f"{option}: {', '.join(unknown)} is not among the species {', '.join(names)}")


def tokenizer_file(path):
    """The tokenizer.json that a path means, itself or in the folder."""

    path = pathlib.Path(path)
    return path / "tokenizer.json" if path.is_dir() else path
