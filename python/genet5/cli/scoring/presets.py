"""Which presets `genet5-score f1` is asked for, and which options go with which."""

import click

import genet5.score as score

PRESETS = (score.PRESET, *score.TOOLS)
# names of compare_intervals_exact.pl -> ours
CIE     = {"cds": "exon", "trans": "transcript"}
# what is printed when nobody asks for a preset or a level
COMMON  = ("nucleotide", "exon", "gene")
LEVELS  = (*score.LEVELS, *CIE, "all")

OPTIONS = (
    click.option("--preset", "presets", multiple=True, type=click.Choice([*PRESETS, "all"]),
                 help="Whose definitions; may be repeated. Default: genet5."),
    click.option("--as-original", is_flag=True,
                 help="Print what the tool of the one preset would print itself, defects included."),
    click.option("--no-phase", is_flag=True, help="Preset cie without phases, as --no_phase of the script."),
    click.option("-e", "end_range", type=click.IntRange(min=0), metavar="N",
                 help="Preset gffcompare: bases by which free outer ends may differ. Default: 100."),
    click.option("--strict-match", "strict", is_flag=True,
                 help="Preset gffcompare: transcripts match only if their outer ends do too."),
    click.option("-T", "no_tmap", is_flag=True, help="Preset gffcompare: accepted, and changes no number."),
    click.option("--no-merge", is_flag=True, help="Preset gffcompare: keep exons that are up to 4 bases apart."),
    click.option("-D", "drop_duplicates", is_flag=True, help="Preset gffcompare: duplicate predictions count once."),
)


def options(command):
    """Add the options that choose presets."""

    for option in reversed(OPTIONS):
        command = option(command)
    return command


def asked(presets, no_phase):
    """The presets in the order asked for, each once."""

    names = [name for preset in presets or [score.PRESET] for name in (PRESETS if preset == "all" else [preset])]
    if no_phase and "cie" not in names:
        raise click.UsageError("--no-phase belongs to --preset cie")
    renamed = ["cie-no-phase" if name == "cie" and no_phase else name for name in names]
    return list(dict.fromkeys(renamed))


def tool_options(presets, feature, end_range, strict, no_tmap, no_merge, drop_duplicates):
    """gffcompare's options as `score.by_preset` takes them."""

    given = {"-e": end_range is not None, "--strict-match": strict, "-T": no_tmap, "--no-merge": no_merge,
             "-D": drop_duplicates}
    wrong = [name for name, is_given in given.items() if is_given and "gffcompare" not in presets]
    if wrong:
        raise click.UsageError(f"{wrong[0]} belongs to --preset gffcompare")
    return {"end_range": 100 if end_range is None else end_range, "strict": strict, "no_merge": no_merge,
            "drop_duplicates": drop_duplicates, "cds_only": feature == "CDS"}


def original_level(preset, levels):
    """The level of compare_intervals_exact.pl that --as-original prints; other tools print all of theirs."""

    theirs = {ours: name for name, ours in CIE.items()}
    named  = [theirs.get(level, level) for level in levels]
    if not preset.startswith("cie"):
        if levels:
            raise click.UsageError(f"--as-original prints all levels of {preset}; leave --level out")
        return "cds"
    known = ("cds", "trans", "gene", "intron", "start", "stop")
    if len(named) > 1 or not set(named) <= set(known):
        raise click.UsageError(f"--as-original --preset {preset} prints one level: {', '.join(known)}")
    return named[0] if named else "cds"


def shown(names, presets, are_asked):
    """The levels to print; a level that is asked for and that no preset has is wrong usage."""

    import genet5.score.definitions as definitions

    asked = levels(names)
    if asked is None:
        return score.LEVELS if are_asked else COMMON
    known   = [level for level in score.LEVELS if any(level in definitions.DEFINITIONS[preset] for preset in presets)]
    missing = [level for level in asked if level not in known]
    if missing and "all" not in names:
        raise click.UsageError(f"--level {missing[0]}: no preset asked for has it; there are {', '.join(known)}")
    return asked


def levels(names):
    """Levels by our names, in their usual order; None if none is asked for."""

    if not names:
        return None
    ours = {CIE.get(name, name) for name in names}
    return score.LEVELS if "all" in ours else [level for level in score.LEVELS if level in ours]
