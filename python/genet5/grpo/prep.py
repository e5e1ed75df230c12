"""`genet5 prep-grpo`: a balanced set of windows of several species, and held-out ones beside it."""

import collections
import json
import pathlib
import shutil

import numpy as np

import genet5
import genet5.bake as baking
import genet5.data.batch as batching
import genet5.errors as errors
import genet5.grpo.config as configs
import genet5.grpo.species as species_module
import genet5.grpo.windows as windows
import genet5.outputs as outputs
import genet5.score as score
import genet5.tokenizer as tk

BALANCES = configs.BALANCES
# names of classes: genes of a window, and exons of its gene with most
GENES = ((1, "1"), (2, "2"), (3, "3"), (float("inf"), "4+"))
EXONS = ((1, "1"), (3, "2-3"), (6, "4-6"), (float("inf"), "7+"))
# candidates begin so many times in the length of a window
DENSITY = 4
# what gene F1 and the calibration read, and bases of a sample there, as `genet5 bake` has it
SAMPLES, SAMPLE_SIZE = "eval.json", 20000


def prepare(raw_dirs, out_dir, tokenizer, species=(), count=2000, held_out=200, window_size=8192, balance=BALANCES,
            empty_share=None, cut_genes=True, eval_samples=64, val_species=(), val_contigs=None, val_share=None,
            genetic_codes=None, grammar=None, seed=0, force=False, progress=None):
    """Choose windows and write them.

    raw_dirs:      paths of species folders, or of folders of them
    out_dir:       path, see docs/formats.md
    tokenizer:     path of a tokenizer.json or of the folder that holds one
    species:       names of folders; empty for all
    count:         int, training windows; fewer where there are not so many
    held_out:      int, held-out windows at the most, drawn evenly by chance
    window_size:   int, bases of a window
    balance:       which of BALANCES training windows are balanced by; the others stay as they occur
    empty_share:   float, share of windows without a reference, at the most; None: as they occur
    cut_genes:     bool, windows may cut genes at their edges, as in prediction; the whole ones are the references
    eval_samples:  int, held-out samples for the calibration at the most, drawn evenly by chance
    val_species, val_contigs, val_share, genetic_codes: as of genet5.bake.Bake
    grammar:       dict with table_starts, min_intron, max_intron
    seed:          int, of every draw; with that of a bake the same blocks are held out
    force:         bool, replace what an earlier call wrote
    progress:      None, or called with a line of text
    returns dict, stats.json
    raises InputError, DataError, ValueError and OSError
    """

    folders = find_species(raw_dirs, species)
    out_dir = pathlib.Path(out_dir)
    val_contigs, genetic_codes = val_contigs or {}, genetic_codes or {}
    if (out_dir / windows.CONFIG).exists() and not force:
        raise errors.DataError(f"{out_dir} already holds windows; --force replaces them")
    if (out_dir / baking.CONFIG).exists():
        raise errors.DataError(f"{out_dir} holds what genet5 bake wrote, an eval.json as well; name another folder")
    if empty_share is not None and not 0 <= empty_share <= 1:
        raise ValueError(f"empty_share is {empty_share}; it lies between 0 and 1")
    baking.check_names(folders, {"--val-species": val_species, "--val-contigs": val_contigs,
                                 "--genetic-code": genetic_codes})
    if val_share is None:
        val_share = 0.0 if val_species or val_contigs else baking.VAL_SHARE
    grammar = {"table_starts": False, "min_intron": 10, "max_intron": 0, **(grammar or {})}
    pieces  = tk.load(baking.tokenizer_file(tokenizer))
    read    = []
    for name, folder in folders.items():
        read.append(species_module.Species(folder, genetic_codes.get(name, 1), name in val_species,
                                           val_contigs.get(name, ()), val_share, grammar))
        if progress is not None:
            progress(f"{name}: {sum(map(len, read[-1].genes.values())):,} coding genes read")
    sides   = {side: _side(read, side, wanted, window_size, balance, empty_share, cut_genes, seed)
               for side, wanted in (("train", count), ("held_out", held_out))}
    samples  = _samples(read, eval_samples, seed)
    settings = {"format": windows.FORMAT, "genet5": genet5.__version__, "tokenizer_hash": pieces.hash,
                "window_size": window_size, "windows": count, "held_out_windows": held_out, "balance": list(balance),
                "empty_share": empty_share, "cut_genes": cut_genes, "eval_samples": eval_samples, "seed": seed,
                "grammar": grammar,
                "species": [{**one.rule, "contigs": [name for name, _ in one.contigs]} for one in read]}
    stats = {"format": windows.FORMAT, **{side: describe(read, *found) for side, found in sides.items()}}
    _write(out_dir, read, {side: chosen for side, (_, chosen) in sides.items()}, samples, pieces, tokenizer, settings,
           stats)
    return stats


def _side(read, side, count, window_size, balance, empty_share, cut_genes, seed):
    """Candidates of one side and those that are taken, a list for each species."""

    training = side == "train"
    stride   = max(1, window_size // DENSITY) if training else window_size
    offered  = [one.candidates(window_size, stride, seed, not training, cut_genes) for one in read]
    chosen   = choose(offered, count, balance if training else (), empty_share,
                      np.random.default_rng((seed, len(side))))
    if training and not any(chosen):
        raise errors.DataError(f"no window of {window_size} bases can be taken: each touches a gene without a valid "
                               f"reading frame, or cuts one where that is not wanted; choose another --window-size, or "
                               f"hold out less")
    return offered, chosen


def _samples(read, count, seed):
    """Held-out stretches as samples of eval.json, longer than a window, so that windows are joined as in prediction."""

    offered = [one.candidates(SAMPLE_SIZE, SAMPLE_SIZE, seed, True) for one in read]
    chosen  = choose(offered, count, (), None, np.random.default_rng((seed, SAMPLE_SIZE)))
    return [_sample(one, stretch) for one, taken in zip(read, chosen) for stretch in taken]


def _sample(species, stretch):
    """One sample: dict; what touches it and is no target counts neither for nor against a prediction."""

    start, end = stretch.start, stretch.end
    return {"species": species.name, "contig": species.contigs[stretch.contig][0], "start": start, "end": end,
            "genetic_code": species.genetic_code, "sequence": species.letters(stretch).decode(),
            "genes":  [{"strand": gene.strand, "segments": _shifted(gene, start)} for gene in stretch.genes],
            "others": [{"strand": gene.strand, "start": max(gene.start, start) - start,
                        "end": min(gene.end, end) - start} for gene in stretch.others]}


def _shifted(gene, origin):
    return [(start - origin, end - origin) for start, end in gene.segments]


def find_species(raw_dirs, wanted=()):
    """Species folders by name, sorted.

    raw_dirs: paths of species folders, or of folders of them
    wanted:   names to choose; empty for all
    returns dict name -> path
    raises InputError where there is none, a wanted one is missing, or two have one name
    """

    found = {}
    for raw_dir in map(pathlib.Path, raw_dirs):
        alone = any((raw_dir / name).is_file() for name in baking.GENOME_NAMES)
        for folder in [raw_dir] if alone else [raw_dir / name for name in baking.find_species(raw_dir)]:
            name = folder.resolve().name
            if found.setdefault(name, folder) != folder:
                raise errors.InputError(f"{folder} and {found[name]}: two species of one name", folder)
    missing = sorted(set(wanted) - set(found))
    if missing:
        raise errors.InputError(f"no species {', '.join(missing)}; there are {', '.join(sorted(found))}",
                                pathlib.Path(raw_dirs[0]))
    return {name: found[name] for name in sorted(found) if not wanted or name in wanted}


def classes(candidate):
    """The classes of a window: dict with genes, exons and strand; "0", "0" and "none" without a gene."""

    genes = candidate.genes
    if not genes:
        return {"genes": "0", "exons": "0", "strand": "none"}
    strands = {gene.strand for gene in genes}
    return {"genes":  _class(GENES, len(genes)),
            "exons":  _class(EXONS, max(len(gene.segments) for gene in genes)),
            "strand": "both" if len(strands) == 2 else {"+": "plus", "-": "minus"}[strands.pop()]}


def _class(table, number):
    return next(name for most, name in table if number <= most)


def share_out(total, sizes):
    """Divide a number as evenly as the sizes allow.

    total: int
    sizes: list of int, the most that each may get
    returns list of int, with the sum min(total, sum of sizes); the first get one more where it does not divide
    """

    shares = [0] * len(sizes)
    left   = min(total, sum(sizes))
    while left:
        able = [index for index, size in enumerate(sizes) if shares[index] < size]
        each = max(1, left // len(able))
        for index in able:
            given          = min(each, sizes[index] - shares[index], left)
            shares[index] += given
            left          -= given
    return shares


def choose(offered, count, balance, empty_share, draw):
    """The windows to take, a list for each species, in order of the genome.

    offered:     list of lists of Candidate, one a species
    count:       int
    balance:     which of BALANCES; all classes together are balanced jointly
    empty_share: float, share of windows without a gene among those taken, at the most; None: as among those offered
    draw:        numpy.random.Generator
    """

    pools = {"full": [], "empty": []}
    for number, candidates in enumerate(offered):
        for place, one in enumerate(candidates):
            pools["full" if one.genes else "empty"].append((number, place, one))
    if empty_share is None:
        empty_share = len(pools["empty"]) / max(1, sum(map(len, pools.values())))
    empty  = min(len(pools["empty"]), round(count * empty_share))
    full   = min(len(pools["full"]), count - empty)
    if empty_share < 1:
        # where genes are few, empty windows stay as few
        empty = min(empty, round(full * empty_share / (1 - empty_share)))
    taken  = []
    for pool, wanted in ((pools["full"], full), (pools["empty"], empty)):
        first  = collections.defaultdict(list)
        for item in pool:
            first[item[0] if "species" in balance else 0].append(item)
        for group, share in zip(first.values(), share_out(wanted, [len(group) for group in first.values()])):
            taken += _balanced(group, share, balance, draw)
    result = [[] for _ in offered]
    for number, _, one in sorted(taken, key=lambda item: item[:2]):
        result[number].append(one)
    return result


def _balanced(group, count, balance, draw):
    """Some of a species' windows, evenly over the classes that are balanced."""

    strata = collections.defaultdict(list)
    for item in group:
        found = classes(item[2])
        strata[tuple(found[name] for name in BALANCES[1:] if name in balance)].append(item)
    members = [strata[key] for key in sorted(strata)]
    return [stratum[index] for stratum, share in zip(members, share_out(count, list(map(len, members))))
            for index in draw.permutation(len(stratum))[:share]]


def describe(read, offered, chosen):
    """What is in the windows of one side, by species; part of stats.json."""

    rows = {}
    for one, candidates, taken in zip(read, offered, chosen):
        counts = {name: collections.Counter(classes(window)[name] for window in taken) for name in BALANCES[1:]}
        genes  = [(window.contig, gene.strand, gene.segments) for window in taken for gene in window.genes]
        rows[one.name] = {"candidates": len(candidates), "windows": len(taken), "genes": len(genes),
                          "different_genes": len(set(genes)),
                          "bases": sum(window.end - window.start for window in taken),
                          **{f"by_{name}": dict(sorted(count.items())) for name, count in counts.items()}}
    return rows


def _write(out_dir, read, sides, samples, pieces, tokenizer, settings, stats):
    """All files, the configuration last."""

    out_dir.mkdir(parents=True, exist_ok=True)
    (out_dir / windows.CONFIG).unlink(missing_ok=True)
    for side, name in (("train", windows.TRAIN), ("held_out", windows.HELD_OUT)):
        parts = [_window_set(number, one, taken, pieces)
                 for number, (one, taken) in enumerate(zip(read, sides[side]))]
        made  = windows.join(parts)
        made.save(out_dir / name)
        for row, part in zip(stats[side].values(), parts):
            row["tokens"] = int(part.tokens.sum())
    source = baking.tokenizer_file(tokenizer)
    if source.resolve() != (out_dir / "tokenizer.json").resolve():
        shutil.copyfile(source, out_dir / "tokenizer.json")
    outputs.write_text(out_dir / SAMPLES, json.dumps({"format": 1, "samples": samples}) + "\n")
    for name, content in ((windows.STATS, stats), (windows.CONFIG, settings)):
        outputs.write_text(out_dir / name, json.dumps(content, indent=2) + "\n")


def _window_set(number, species, taken, pieces):
    """The windows of one species as arrays."""

    letters = [species.letters(window) for window in taken]
    genes   = score.windows([[(gene.strand, _shifted(gene, window.start)) for gene in window.genes]
                             for window in taken])
    labels  = [batching.labels(window.start, window.end - window.start,
                               [(gene.strand, list(gene.segments)) for gene in window.genes + window.others])
               for window in taken]
    return windows.WindowSet(
        letters        = np.frombuffer(b"".join(letters), np.uint8),
        letter_offsets = score.offsets(letters),
        labels         = np.concatenate([np.zeros(0, np.uint8), *labels]),
        window_genes   = genes.window_genes,
        gene_minus     = genes.gene_minus.astype(np.uint8),
        gene_segments  = genes.gene_segments,
        segments       = genes.segments,
        species        = np.full(len(taken), number, np.int32),
        contig         = np.array([window.contig for window in taken], np.int32),
        start          = np.array([window.start for window in taken], np.int64),
        tokens         = np.array([len(pieces.encode(text)[0]) for text in letters], np.int32),
        genetic_code   = np.full(len(taken), species.genetic_code, np.uint8))

