"""From hits to classes and percentages, in the order in which BUSCO does it."""

import dataclasses

# a further copy scores at least this share of the marker's best one
COPY_SHARE = 0.85
# odb12: a complete match covers this share of the profile
WHOLE_SHARE = 0.8
# odb10: a complete match lies within this many standard deviations of the mean length
SIGMAS = 2


@dataclasses.dataclass(frozen=True)
class Match:
    """A protein that passed a marker's score cut-off: its name, one-decimal score and length on the profile."""

    protein: str
    score:   float
    size:    int


def sum_of_domains(intervals):
    """Generation A: lengths of all domains added up, one base short each as BUSCO 5.4 has it, int."""

    return sum(end - start for start, end in intervals)


def union_of_domains(intervals):
    """Generation B: positions of the profile that any domain covers, int."""

    covered, last = 0, 0
    for start, end in sorted(intervals):
        covered += max(0, end - max(start - 1, last))
        last     = max(last, end)
    return covered


def matches(hits, cutoff, rules):
    """The hits that reach the score cut-off, in the order in which ties are broken.

    hits:   list of search.Hit
    cutoff: float
    returns list of (Match, int profile length)
    """

    size = sum_of_domains if rules == "A" else union_of_domains
    kept = [(Match(hit.protein, hit.score, size(hit.intervals)), hit.length) for hit in hits if hit.score >= cutoff]
    if rules == "B":
        kept.sort(key=lambda pair: (-pair[0].size, -pair[0].score, pair[0].protein))
    return kept


def length_class(size, length, limits):
    """Complete, very large or fragment.

    size:   int, length of the match
    length: int, of the profile
    limits: (float mean, float sigma) of odb10 and older, None for odb12
    """

    if limits is None:
        return "complete" if size >= WHOLE_SHARE * length else "fragment"
    zeta = (limits[0] - size) / limits[1]
    if -SIGMAS <= zeta <= SIGMAS:
        return "complete"
    return "very_large" if zeta < -SIGMAS else "fragment"


def classify(lineage, hits, rules):
    """Sort the markers of a lineage.

    lineage: genet5.eval.busco.lineage.Lineage
    hits:    dict marker -> list of search.Hit
    rules:   str, "A" or "B"
    returns dict: single, duplicated, fragmented (dict marker -> list of Match), missing (list of str)
    """

    tables = {"complete": {}, "very_large": {}, "fragment": {}}
    # ties between markers go to the first file name, and files are named MARKER.out
    for marker in sorted(hits, key=lambda name: f"{name}.out"):
        for match, length in matches(hits[marker], lineage.scores[marker], rules):
            kind = length_class(match.size, length, lineage.lengths.get(marker))
            tables[kind].setdefault(marker, []).append(match)
    drop_lower(tables)
    tables   = {kind: best_copies(one_marker_per_protein(table)) for kind, table in tables.items()}
    complete = {**tables["very_large"], **tables["complete"]}
    found    = complete.keys() | tables["fragment"].keys()
    return {
        "single":     _sorted(lineage, {marker: kept for marker, kept in complete.items() if len(kept) == 1}),
        "duplicated": _sorted(lineage, {marker: kept for marker, kept in complete.items() if len(kept) > 1}),
        "fragmented": _sorted(lineage, {marker: [max(kept, key=lambda match: match.score)]
                                        for marker, kept in tables["fragment"].items()}),
        "missing":    [marker for marker in lineage.markers if marker not in found],
    }


def drop_lower(tables):
    """A marker and a protein that stand in a higher class leave the lower ones; changes `tables`."""

    higher, used = set(), set()
    for kind in ("complete", "very_large", "fragment"):
        if kind != "complete":
            kept = {marker: [match for match in found if match.protein not in used]
                    for marker, found in tables[kind].items() if marker not in higher}
            tables[kind] = {marker: found for marker, found in kept.items() if found}
        higher |= tables[kind].keys()
        used   |= {match.protein for found in tables[kind].values() for match in found}


def one_marker_per_protein(table):
    """A protein that several markers claim stays with the one that scores highest, the first of equals.

    table: dict marker -> list of Match, markers in the order of their file names
    """

    best = {}
    for marker, found in table.items():
        for match in found:
            if match.protein not in best or match.score > best[match.protein][1]:
                best[match.protein] = (marker, match.score)
    kept = {marker: [match for match in found if best[match.protein][0] == marker] for marker, found in table.items()}
    return {marker: found for marker, found in kept.items() if found}


def best_copies(table):
    """Where a marker has several proteins, those far below its best one go."""

    limits = {marker: COPY_SHARE * max(match.score for match in found) for marker, found in table.items()}
    return {marker: [match for match in found if len(found) == 1 or match.score >= limits[marker]]
            for marker, found in table.items()}


def percentages(counts, rules):
    """Per cent with one decimal of each class of `Result.counts`.

    Generation A adds rounded numbers, generation B rounds the counts' own: C and M can differ by 0.1
    """

    n     = counts["n"]
    share = {name: round(100 * counts[name] / n, 1) for name in ("complete", "single", "duplicated", "fragmented",
                                                                 "missing")}
    if rules == "A":
        share["complete"] = round(share["single"] + share["duplicated"], 1)
        share["missing"]  = abs(round(100 - share["single"] - share["duplicated"] - share["fragmented"], 1))
    return share


def _sorted(lineage, table):
    """A table in the order of the lineage's markers."""

    return {marker: table[marker] for marker in lineage.markers if marker in table}
