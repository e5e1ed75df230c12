"""hmmsearch over the profiles of a lineage, by pyhmmer."""

import dataclasses
import os

import genet5.errors as errors

# letters of a sequence that HMMER's pipeline takes
LONGEST = 100_000


@dataclasses.dataclass(frozen=True)
class Hit:
    """One protein that a profile reports.

    protein:   str
    score:     float, of the full sequence, one decimal as in hmmsearch's tables
    length:    int, of the profile
    intervals: tuple of (int from, int to), its reported domains on the profile, 1-based, closed
    """

    protein:   str
    score:     float
    length:    int
    intervals: tuple


def search(lineage, proteins, threads=0, progress=None):
    """Search every profile of a lineage in all proteins, default thresholds.

    lineage:  genet5.eval.busco.lineage.Lineage
    proteins: list of (str name, str sequence)
    threads:  int, 0: all cores; profiles are shared out, so the number never changes a hit
    progress: None or a function that gets 1 for each profile that was searched
    returns dict marker -> list of Hit in the order of hmmsearch's table
    raises MissingDependency without pyhmmer, InputError for a profile or protein that HMMER cannot read
    """

    pyhmmer   = errors.require("pyhmmer", "busco")
    sequences = digitise(proteins)
    names     = lineage.runnable
    profiles  = [profile(lineage.profiles[name]) for name in names]
    hits      = {}
    if not len(sequences):
        return {name: [] for name in names}
    found = pyhmmer.hmmsearch(profiles, sequences, cpus=threads or os.cpu_count(), parallel="queries")
    for name, hmm, top in zip(names, profiles, found):
        hits[name] = [Hit(protein=text(hit.name), score=float(f"{hit.score:.1f}"), length=hmm.M,
                          intervals=tuple((domain.alignment.hmm_from, domain.alignment.hmm_to)
                                          for domain in hit.domains.reported))
                      for hit in top.reported]
        if progress:
            progress(1)
    return hits


def profile(path):
    """The first HMMER3 profile of a file; raises InputError."""

    import pyhmmer

    try:
        with pyhmmer.plan7.HMMFile(path) as file:
            hmm = file.read()
    except (ValueError, OSError, EOFError) as error:
        raise errors.InputError(f"{path}: no HMMER3 profile: {error}", str(path)) from error
    if hmm is None:
        raise errors.InputError(f"{path}: no whole HMMER3 profile in it; it is cut off or empty", str(path))
    return hmm


def digitise(proteins):
    """Proteins as HMMER's sequences; raises InputError for one that HMMER cannot read."""

    import pyhmmer

    alphabet  = pyhmmer.easel.Alphabet.amino()
    sequences = []
    for name, sequence in proteins:
        if len(sequence) > LONGEST:
            raise errors.InputError(f"protein {name} has {len(sequence):,} letters, HMMER searches {LONGEST:,} at the "
                                    f"most; is it DNA?")
        try:
            sequences.append(pyhmmer.easel.TextSequence(name=name.encode(), sequence=sequence).digitize(alphabet))
        except ValueError as error:
            raise errors.InputError(f"protein {name}: no amino-acid sequence: {error}") from error
    return pyhmmer.easel.DigitalSequenceBlock(alphabet, sequences)


def text(name):
    """A name of pyhmmer's, which are bytes before its version 0.12, as str."""

    return name.decode() if isinstance(name, bytes) else name
