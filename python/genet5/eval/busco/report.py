"""The result as BUSCO's own three files, as its summary line and as a JSON object."""

import json
import pathlib

import genet5
import genet5.errors as errors
import genet5.outputs as outputs

FILES  = ("short_summary.txt", "full_table.tsv", "missing_busco_list.tsv")
RULES  = {"A": "A (BUSCO 5.4: domains added up, C and M from rounded percentages)",
          "B": "B (newer BUSCO: overlapping domains counted once, percentages from counts)"}
CLASSES = (("complete", "Complete BUSCOs (C)"), ("single", "Complete and single-copy BUSCOs (S)"),
           ("duplicated", "Complete and duplicated BUSCOs (D)"), ("fragmented", "Fragmented BUSCOs (F)"),
           ("missing", "Missing BUSCOs (M)"), ("n", "Total BUSCO groups searched"))


def line(result):
    """BUSCO's one line, such as C:98.0%[S:97.2%,D:0.8%],F:0.9%,M:1.1%,n:255."""

    share = result.percentages()
    return (f"C:{share['complete']}%[S:{share['single']}%,D:{share['duplicated']}%],F:{share['fragmented']}%,"
            f"M:{share['missing']}%,n:{len(result.lineage.markers)}")


def as_dict(result):
    """The result as plain values: counts, percentages, rules, and the markers of each class."""

    return {"lineage": result.lineage.name, "rules": result.rules, "proteins": result.proteins,
            "summary": line(result), "counts": result.counts(), "percentages": result.percentages(),
            "missing": result.missing,
            "fragmented": sorted(result.fragmented), "duplicated": sorted(result.duplicated)}


def header(result):
    """The first two lines of each of BUSCO's files."""

    lineage = result.lineage
    return (f"# BUSCO version is: rules {RULES[result.rules]}, by GeneT5 {genet5.__version__} \n"
            f"# The lineage dataset is: {lineage.name} (Creation date: {lineage.created}, number of genomes: "
            f"{lineage.species}, number of BUSCOs: {len(lineage.markers)})\n")


def short_summary(result, source):
    """short_summary.txt as str; `source` names what was searched."""

    counts = result.counts()
    rows   = "".join(f"\t{counts[name]}\t{words}\t\t\t   \n" for name, words in CLASSES[:-1])
    total  = f"\t{counts['n']}\t{CLASSES[-1][1]}\t\t   \n"
    return (f"{header(result)}# Summarized benchmarking in BUSCO notation for file {source}\n"
            f"# BUSCO was run in mode: proteins\n\n\t***** Results: *****\n\n\t{line(result)}\t   \n{rows}{total}\n"
            f"Dependencies and versions:\n\tpyhmmer: {_version()}\n\tgenet5: {genet5.__version__}\n")


def full_table(result):
    """full_table.tsv as str: one row for each protein of a marker, one for each missing marker."""

    links = result.lineage.links
    rows  = {marker: [f"{marker}\tMissing\n"] for marker in result.missing}
    for status, table in (("Complete", result.single), ("Duplicated", result.duplicated),
                          ("Fragmented", result.fragmented)):
        for marker, found in table.items():
            extra = "".join(f"\t{word}" for word in links.get(marker, ())) if links else ""
            rows.setdefault(marker, []).extend(f"{marker}\t{status}\t{match.protein}\t{match.score}\t{match.size}"
                                               f"{extra}\n" for match in found)
    columns = "# Busco id\tStatus\tSequence\tScore\tLength" + ("\tOrthoDB url\tDescription" if links else "")
    return f"{header(result)}{columns}\n" + "".join(row for marker in result.lineage.markers for row in rows[marker])


def missing_list(result):
    """missing_busco_list.tsv as str."""

    return f"{header(result)}# Busco id\n" + "".join(f"{marker}\n" for marker in sorted(result.missing))


def check(folder, force):
    """Complain about a folder that must not be written to, before any work is done; raises DataError."""

    there = [name for name in FILES if (pathlib.Path(folder) / name).exists()]
    if there and not force:
        raise errors.DataError(f"{pathlib.Path(folder) / there[0]} is there already; --force replaces it")


def write(result, folder, source):
    """Write BUSCO's three files, each under a temporary name first.

    folder: str or path, made where it is missing
    source: str, what was searched
    """

    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    texts  = (short_summary(result, source), full_table(result), missing_list(result))
    for name, text in zip(FILES, texts):
        outputs.write_text(folder / name, text)


def as_json(result):
    """The result as one JSON object, str."""

    return json.dumps(as_dict(result), indent=2)


def _version():
    import pyhmmer

    return pyhmmer.__version__
