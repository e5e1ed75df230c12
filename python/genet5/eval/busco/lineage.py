"""A BUSCO lineage folder: profiles, cut-offs, and what its dataset.cfg says."""

import dataclasses
import math
import pathlib
import re

import genet5.errors as errors


@dataclasses.dataclass(frozen=True)
class Lineage:
    """The markers of a lineage.

    path:     pathlib.Path
    name:     str
    created, species: str, from dataset.cfg, "NA" where it does not say
    scores:   dict marker -> float, the lowest full-sequence score
    lengths:  dict marker -> (float mean, float sigma), empty for odb12
    profiles: dict marker -> pathlib.Path of its HMMER3 profile
    links:    dict marker -> (str address, str description), empty where the folder has no links_to_ODB file
    """

    path:     pathlib.Path
    name:     str
    created:  str
    species:  str
    scores:   dict
    lengths:  dict
    profiles: dict
    links:    dict

    @property
    def markers(self):
        """All markers of the cut-off tables, sorted as BUSCO's table is, list of str."""

        return sorted(self.scores | self.lengths, key=order)

    @property
    def runnable(self):
        """Markers that have a profile and every cut-off, sorted, list of str."""

        return [marker for marker in self.markers if marker in self.profiles and marker in self.scores
                and (not self.lengths or marker in self.lengths)]

    def problems(self):
        """One line for each kind of marker that cannot be searched, list of str."""

        kinds = {
            "profiles without a score cut-off, not searched":  sorted(self.profiles.keys() - self.scores.keys()),
            "markers without a profile, counted as missing":   sorted(self.markers_set() - self.profiles.keys()),
            "markers with one cut-off of two, counted as missing":
                sorted(self.scores.keys() ^ self.lengths.keys()) if self.lengths else [],
        }
        return [f"{self.name}: {len(names)} {kind}: {', '.join(names[:3])}{' …' if len(names) > 3 else ''}"
                for kind, names in kinds.items() if names]

    def markers_set(self):
        """All markers of the cut-off tables, set of str."""

        return self.scores.keys() | self.lengths.keys()

    def check(self, rules):
        """Refuse rules that do not fit; raises InputError."""

        if rules == "A" and not self.lengths:
            raise errors.InputError(f"{self.path}: rules A need lengths_cutoff, which this lineage (odb12 or later) "
                                    f"lacks; use --rules B", str(self.path))


def order(marker):
    """Sort key of a marker: by its leading number as BUSCO does, else as text behind the numbered ones."""

    number = re.match(r"\d+", marker)
    return (0, int(number[0]), marker) if number else (1, 0, marker)


def read(path):
    """Read a lineage folder.

    path: str or path
    returns Lineage
    raises InputError where a part is missing or makes no sense, and for odb12.2, whose rule is not known; what the
    folder's own name says counts as much as dataset.cfg
    """

    path = pathlib.Path(path)
    if not (path / "hmms").is_dir():
        raise errors.InputError(f"{path}: no BUSCO lineage: it has no folder hmms", str(path))
    config = _config(path / "dataset.cfg")
    name   = path.resolve().name
    said   = f"{config.get('name', '')} {name}"
    newer  = re.search(r"\S*odb12\.[2-9]\S*", said)
    if newer:
        raise errors.InputError(f"{path}: {newer[0]} needs the length rule of BUSCO 6.1, for which no exact definition "
                                f"is published; use an odb10 or odb12 lineage", str(path))
    scores   = {marker: values[0] for marker, values in _table(path / "scores_cutoff", (1,)).items()}
    file     = path / "lengths_cutoff"
    lengths  = {}
    # a lineage that names no generation is odb12 where it has no lengths
    if "odb12" not in said and (file.exists() or "odb" in said):
        lengths = _table(file, (3, 2))
        if not lengths:
            raise errors.InputError(f"{file}: empty; lineages before odb12 need it", str(file))
    profiles = {file.name.split(".")[0]: file for file in sorted((path / "hmms").iterdir())
                if file.suffix == ".hmm" and not file.name.startswith(".")}
    if not scores or not profiles:
        raise errors.InputError(f"{path}: no BUSCO lineage: it has no {'profiles' if scores else 'score cut-offs'}",
                                str(path))
    return Lineage(path=path, name=name, created=config.get("creation_date", "NA"),
                   species=config.get("number_of_species", "NA"), scores=scores,
                   lengths={marker: (mean, sigma or 1.0) for marker, (mean, sigma) in lengths.items()},
                   profiles=profiles, links=_links(path))


def _text(path):
    """A text file, whatever its encoding."""

    return path.read_text(encoding="utf-8", errors="replace")


def _config(path):
    """The `key=value` lines of dataset.cfg, dict."""

    if not path.exists():
        return {}
    lines = (line.strip() for line in _text(path).splitlines())
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def _table(path, columns):
    """A blank-separated table: first column -> floats of the columns named."""

    if not path.exists():
        raise errors.InputError(f"{path}: missing; a BUSCO lineage has it", str(path))
    table = {}
    for number, line in enumerate(_text(path).splitlines(), 1):
        words = line.split()
        if not words:
            continue
        try:
            table[words[0]] = tuple(float(words[column]) for column in columns)
        except (IndexError, ValueError):
            table[words[0]] = (math.nan,)
        if not all(map(math.isfinite, table[words[0]])):
            raise errors.InputError(f"{path}:{number}: not a cut-off: {line.strip()!r}", str(path), number)
    return table


def _links(path):
    """OrthoDB's addresses and descriptions: marker -> (address, description)."""

    links = {}
    for file in sorted(path.glob("links_to_ODB*.txt")):
        for line in _text(file).splitlines():
            marker, description, address = (line.split("\t") + ["", ""])[:3]
            links[marker] = (address, description)
    return links
