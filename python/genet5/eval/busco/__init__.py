"""Completeness of a protein set by single-copy markers, as BUSCO's protein mode counts it.

Two generations of BUSCO count differently, and the answer names which one it followed:

A   BUSCO 5.4: a match is as long as the sum of its domains on the profile, overlaps counted twice; the percentages of
    complete and missing markers come from rounded ones
B   newer: domains that overlap count once; all percentages come from counts

Sources: BUSCO's hmmer module in both generations (MIT licence), reimplemented from its description.
"""

import dataclasses

import genet5.eval.busco.lineage as lineages
import genet5.eval.busco.rules as rules_module
import genet5.eval.busco.search as searching


@dataclasses.dataclass(frozen=True)
class Result:
    """What was found.

    lineage:     genet5.eval.busco.lineage.Lineage
    rules:       str, "A" or "B"
    proteins:    int, sequences that were searched
    single, duplicated, fragmented: dict marker -> list of rules.Match
    missing:     list of str, markers in the order of the table
    """

    lineage:    object
    rules:      str
    proteins:   int
    single:     dict
    duplicated: dict
    fragmented: dict
    missing:    list

    def counts(self):
        """Markers in each class, dict; `complete` is single and duplicated together, `n` all markers."""

        single, duplicated = len(self.single), len(self.duplicated)
        return {"complete": single + duplicated, "single": single, "duplicated": duplicated,
                "fragmented": len(self.fragmented), "missing": len(self.missing), "n": len(self.lineage.markers)}

    def percentages(self):
        """The same in per cent with one decimal, by the rules of the generation, dict."""

        return rules_module.percentages(self.counts(), self.rules)


def evaluate(proteins, lineage_dir, rules="B", threads=0, progress=None):
    """Search the markers of a lineage in proteins and sort them into BUSCO's classes.

    proteins:    list of (str name, str sequence); names are unique, sequences without the final stop
    lineage_dir: str or path of a lineage folder (hmms/, scores_cutoff, lengths_cutoff, dataset.cfg)
    rules:       str, "A" or "B"
    threads:     int, 0: all cores; never changes the result
    progress:    None or a function that gets 1 for each profile that was searched
    returns Result
    raises InputError for a lineage that cannot be used, MissingDependency without pyhmmer
    """

    lineage = lineages.read(lineage_dir)
    lineage.check(rules)
    hits    = searching.search(lineage, proteins, threads, progress)
    classes = rules_module.classify(lineage, hits, rules)
    return Result(lineage=lineage, rules=rules, proteins=len(proteins), **classes)
