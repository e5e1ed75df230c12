"""From a model straight to its scores: predict, score, measure; one folder and one run.json per run."""

import json
import pathlib
import shutil
import tempfile
import time

import genet5
import genet5.errors as errors
import genet5.genome as genomes
import genet5.machine as machine
import genet5.score as score

FORMAT = 1
LEVELS = ("nucleotide", "exon", "gene")
RUN, GENES, REFERENCE, BASELINE = "run.json", "genes.gff3", "reference.gff3", "longest_orf.gff3"


def species(model, species_dir, output, presets=(score.PRESET,), by=None, contigs=None, genetic_code=None,
            device="auto", threads=0, force=False, **wanted):
    """Predict a species and compare it with its annotation.

    model:        path of a model folder
    species_dir:  path of a folder with fna.gz and gff.gz, as bake reads them
    output:       path of the folder to write: run.json, genes.gff3, longest_orf.gff3
    presets:      names of presets of genet5.score
    by:           None or a part of genet5.score.PARTS, for preset genet5
    contigs:      list of str or None, the contigs to predict and to count
    genetic_code: int, NCBI table, None for the model's
    device:       "auto", "cpu" or "cuda"
    threads:      int, 0 for all cores
    force:        bool, replace a run that is there
    wanted:       other fields of genet5.inference.settings.Settings
    returns dict, what run.json holds (docs/formats.md)
    raises InputError, DataError, ValueError, OSError
    """

    folder     = pathlib.Path(species_dir)
    genome     = one_of(folder, "fna.gz", "fna")
    annotation = one_of(folder, "gff.gz", "gff", "gtf.gz", "gtf")
    with Run(model, output, device, threads, force) as run:
        chosen = run.settle(genetic_code, wanted)
        found  = run.predict(genome, contigs, chosen)
        run.write(GENES, run.contigs, found)
        baseline = score.baseline(annotation, genome, contigs, None, chosen.grammar["genetic_code"],
                                  run.folder / BASELINE)
        return run.finish("genome", folder, annotation, genome, presets, by, contigs, baseline)


def samples(model, data, output, presets=(score.PRESET,), by=None, device="auto", threads=0, force=False, **wanted):
    """Predict the held-out samples of baked data and compare them with their genes.

    Genes that touch one which is no target are left out of prediction and baseline.

    data: path of eval.json or of the folder that holds it; the other parameters as in `species`
    returns dict, what run.json holds; the folder also has reference.gff3
    raises InputError, DataError, ValueError, OSError
    """

    path     = pathlib.Path(data)
    path     = path / "eval.json" if path.is_dir() else path
    held_out = read_samples(path)
    codes    = {sample["genetic_code"] for sample in held_out}
    if len(codes) > 1:
        raise errors.DataError(f"{path} has samples of genetic codes {sorted(codes)}; bake and evaluate them apart")
    with Run(model, output, device, threads, force) as run, tempfile.TemporaryDirectory() as spare:
        genome = pathlib.Path(spare) / "samples.fna"
        genome.write_text("".join(f">{sample['key']}\n{sample['sequence']}\n" for sample in held_out))
        chosen  = run.settle(codes.pop(), wanted)
        others  = {sample["key"]: sample.get("others", ()) for sample in held_out}
        contigs = [(sample["key"], len(sample["sequence"])) for sample in held_out]
        truth   = [(number, gene["strand"], [tuple(part) for part in gene["segments"]], None)
                   for number, sample in enumerate(held_out) for gene in sample["genes"]]
        genomes.write_gff3(run.folder / REFERENCE, contigs, truth)
        found = [gene for gene in run.predict(genome, None, chosen)
                 if not touches(gene.strand, gene.start, gene.end, others[gene.contig])]
        run.write(GENES, contigs, found)
        baseline = orf_baseline(run.folder, genome, contigs, others, chosen.grammar["genetic_code"])
        return run.finish("samples", path, run.folder / REFERENCE, genome, presets, by, None, baseline)


def read_samples(path):
    """The samples of an eval.json; those of prep-grpo, which have no key, get one.

    raises DataError where there are none
    """

    try:
        held_out = [{"key": f"{sample['species']}-{number}", **sample} if "key" not in sample else sample
                    for number, sample in enumerate(json.loads(path.read_text())["samples"])]
        whole    = all(name in sample for sample in held_out for name in ("sequence", "genetic_code", "genes"))
    except (ValueError, KeyError, TypeError) as error:
        raise errors.DataError(f"{path} is no eval.json that bake or prep-grpo wrote") from error
    if not whole:
        raise errors.DataError(f"{path} is no eval.json that bake or prep-grpo wrote: a sample lacks its sequence, "
                               f"genetic_code or genes")
    if not held_out:
        raise errors.DataError(f"{path} has no samples; bake with held-out contigs or --eval-samples")
    return held_out


def orf_baseline(folder, genome, contigs, others, genetic_code):
    """Longest open reading frames of the samples, without those that touch a gene which is no target."""

    reference, path = folder / REFERENCE, folder / BASELINE
    best   = score.baseline(reference, genome, None, None, genetic_code, path)
    number = {name: i for i, (name, _) in enumerate(contigs)}
    kept   = [(number[gene["contig"]], gene["strand"], genomes.segments(gene), None)
              for gene in genomes.read_genes(path)
              if not touches(gene["strand"], gene["start"], gene["end"], others[gene["contig"]])]
    genomes.write_gff3(path, contigs, kept)
    return {**score.files(reference, [path])[0], "min_length": best["min_length"]}


def touches(strand, start, end, others):
    """Whether a gene shares a base with one of the others on its strand."""

    return any(strand == other["strand"] and start < other["end"] and other["start"] < end for other in others)


def one_of(folder, *names):
    """The first of these files that is in a folder.

    raises DataError
    """

    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise errors.DataError(f"{folder} has no {names[0]}; one of {', '.join(names)} is needed")


class Run:
    """A run under way: its files lie in a temporary folder until they are whole.

    model:   path of a model folder
    output:  path of the folder to make
    device, threads, force: as in `species`
    """

    def __init__(self, model, output, device, threads, force):
        self.model  = pathlib.Path(model)
        self.output = pathlib.Path(output)
        if (self.output / RUN).exists() and not force:
            raise errors.DataError(f"{self.output} holds a run already; --force replaces it")
        if self.output.exists() and not (self.output / RUN).exists() and any(self.output.iterdir()):
            raise errors.DataError(f"{self.output} is there and holds no run; name another folder")
        self.device  = device
        self.threads = threads

    def __enter__(self):
        import genet5.inference.predict as predicting

        self.predictor = predicting.Predictor.load(self.model, self.device, self.threads)
        self.output.parent.mkdir(parents=True, exist_ok=True)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f".{self.output.name}.", dir=self.output.parent))
        return self

    def __exit__(self, *error):
        shutil.rmtree(self.folder, ignore_errors=True)

    def settle(self, genetic_code, wanted):
        """The decoding settings; see genet5.inference.settings.settle."""

        import genet5.inference.settings as settings

        self.settings = settings.settle(self.predictor.model.config, genetic_code=genetic_code, **wanted)
        return self.settings

    def predict(self, genome, contigs, chosen):
        """The genes of a FASTA file; keeps time and sizes."""

        import genet5.inference.sources as sources

        source       = sources.open_source(genome, contigs)
        began        = time.perf_counter()
        found        = [gene for _, genes in self.predictor.annotate(source, chosen) for gene in genes]
        self.seconds = time.perf_counter() - began
        self.bases   = source.bases
        self.contigs = source.contigs
        return found

    def write(self, name, contigs, found):
        """Genes as GFF3."""

        number     = {contig: i for i, (contig, _) in enumerate(contigs)}
        rows       = [(number[gene.contig], gene.strand, list(gene.segments), gene.probability) for gene in found]
        self.genes = len(genomes.write_gff3(self.folder / name, contigs, rows))

    def finish(self, kind, data, reference, genome, presets, by, contigs, baseline):
        """Score, write run.json and give the folder its name; returns what run.json holds."""

        genes  = self.folder / GENES
        ours   = score.files(reference, [genes], contigs=contigs, by=by, genome=genome if by == "gc" else None)[0]
        tools  = [name for name in presets if name != score.PRESET]
        theirs = score.by_preset(reference, [genes], tools, contigs=contigs, lenient=True)[0] if tools else {}
        inside = reference.parent == self.folder
        minute = self.seconds / 60
        run    = {
            "format":               FORMAT,
            "genet5":               genet5.__version__,
            "kind":                 kind,
            "model":                str(self.model),
            "data":                 str(data),
            "reference":            REFERENCE if inside else str(reference.resolve()),
            "contigs":              contigs,
            "settings":             {name: getattr(self.settings, name) for name in
                                     ("decoder", "writer_threshold", "min_probability", "rc_average", "grammar")},
            "device":               str(next(self.predictor.model.parameters()).device),
            "threads":              self.predictor.threads,
            "genes":                self.genes,
            "bases":                self.bases,
            "seconds":              self.seconds,
            "megabases_per_minute": self.bases / 1e6 / minute if minute else None,
            "peak_memory_mb":       peak_memory(),
            "levels":               list(LEVELS),
            "scores":               {name: ({score.PRESET: ours["levels"]} | theirs)[name] for name in presets},
            "classes":              ours["classes"],
            "by":                   by,
            "parts":                ours.get("parts"),
            "baseline":             {"min_length": baseline["min_length"], "levels": baseline["levels"]},
        }
        (self.folder / RUN).write_text(json.dumps(run, indent=2) + "\n")
        if self.output.exists():
            shutil.rmtree(self.output)
        self.folder.chmod(0o755)
        self.folder.rename(self.output)
        return run


def peak_memory():
    """The most memory that this process has held, in MB; on a GPU that of the device."""

    import torch

    if torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return torch.cuda.max_memory_allocated() / 1e6
    return machine.peak_resident() / 1e6


def compare(run_a, run_b, resamples=2000, seed=0):
    """Whether run B is better than run A.

    run_a, run_b: paths of folders that `species` or `samples` wrote, on the same data
    resamples:    int, draws of the paired bootstrap
    seed:         int, names the draws
    returns dict: a, b (paths), differences (list of {preset, level, f1_a, f1_b, difference, interval (low, high) or
        None}), loci, only_a, only_b, p_value as genet5.score.compare, megabases_per_minute and peak_memory_mb (pairs)
    raises DataError where a folder holds no run or the two were scored on different data
    """

    folders = [pathlib.Path(run_a), pathlib.Path(run_b)]
    a, b    = (read_run(folder) for folder in folders)
    files   = [folder / REFERENCE if run["kind"] == "samples" else pathlib.Path(run["reference"])
               for folder, run in zip(folders, (a, b))]
    chosen  = [sorted(run["contigs"] or ()) for run in (a, b)]
    if a["kind"] != b["kind"] or chosen[0] != chosen[1] or files[0].read_bytes() != files[1].read_bytes():
        raise errors.DataError(f"{run_a} and {run_b} were scored on different data: {a['data']} and {b['data']}, "
                               f"contigs {a['contigs'] or 'all'} and {b['contigs'] or 'all'}")
    paired = score.compare(files[0], *(folder / GENES for folder in folders), contigs=a["contigs"], resamples=resamples,
                           seed=seed)
    shared = [(preset, level) for preset, levels in a["scores"].items()
              if isinstance(levels, dict) and isinstance(b["scores"].get(preset), dict) for level in levels
              if level in b["scores"][preset]]
    return {
        "a":                    str(run_a),
        "b":                    str(run_b),
        "differences":          [difference(preset, level, a, b, paired) for preset, level in shared],
        **{name: paired[name] for name in ("loci", "only_a", "only_b", "p_value")},
        "megabases_per_minute": [run["megabases_per_minute"] for run in (a, b)],
        "peak_memory_mb":       [run["peak_memory_mb"] for run in (a, b)],
    }


def difference(preset, level, a, b, paired):
    """One level of one preset in both runs."""

    f1_a, f1_b = (run["scores"][preset][level]["f1"] for run in (a, b))
    known      = f1_a is not None and f1_b is not None
    interval   = paired["levels"][level]["interval"] if preset == score.PRESET and level in paired["levels"] else None
    return {"preset": preset, "level": level, "f1_a": f1_a, "f1_b": f1_b, "difference": f1_b - f1_a if known else None,
            "interval": interval}


def read_run(folder):
    """What a folder's run.json holds.

    raises DataError
    """

    try:
        run   = json.loads((folder / RUN).read_text())
        known = run["format"] == FORMAT
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise errors.DataError(f"{folder} holds no run; eval f1 and eval genome write one with -o") from error
    if not known:
        raise errors.DataError(f"{folder} holds a run of another version of GeneT5; evaluate anew")
    return run
