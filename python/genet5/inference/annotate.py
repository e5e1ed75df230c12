"""Contigs to genes: windows, readings, both decoders, joining, with bounded memory.

Windows of all contigs pass through one stream, so that many short contigs keep the machine as busy as a long one.
"""

import itertools

import genet5.inference.genes as genes
import genet5.inference.joining as joining
import genet5.inference.reading as reading
import genet5.inference.stepping as stepping
import genet5.inference.viterbi as viterbi
import genet5.inference.windows as windows
import genet5.inference.writer as writing
import genet5.model.compiling as compiling


def annotate(model, tokenizer, contigs, settings, threads=1, progress=None):
    """The genes of contigs, one contig after the other.

    model:     GeneT5 in evaluation mode
    tokenizer: its tokenizer
    contigs:   iterable of (name, letters as bytes)
    settings:  settings.Settings
    threads:   int, windows read side by side on a CPU
    progress:  None, or called with the number of bases done since the last call
    yields (name, letters, list of Candidate ascending)
    """

    for name, letters, found in compare(model, tokenizer, contigs, [settings], threads, progress):
        yield name, letters, found[0]


def compare(model, tokenizer, contigs, choices, threads=1, progress=None):
    """As `annotate`, decoding in several ways while the model reads each window once.

    choices: list of Settings that differ in the decoder and its thresholds only
    yields (name, letters, one list of Candidate for each of the choices)
    """

    first  = choices[0]
    if first.compile:
        compiling.for_prediction(model, next(model.parameters()).device)
    reader = reading.Reader(
        model      = model,
        tokenizer  = tokenizer,
        grammar    = first.grammar,
        choosers   = [writing.Greedy(choice.writer_threshold, choice.suppress_eos) if choice.writes else None
                      for choice in choices],
        potentials = any(choice.searches for choice in choices),
        rc_average = first.rc_average,
        steps      = stepping.Static if first.compile else stepping.Growing,
    )
    stream = reading.read_all(reader, _windows(contigs, choices), first.batch_size, threads)
    for (_, name, letters), group in itertools.groupby(stream, key=lambda item: item[0][:3]):
        joins = [_Contig(choice) for choice in choices]
        for (*_, window), found in group:
            if window is None:
                continue
            part = letters[window.start:window.end]
            for number, join in enumerate(joins):
                join.add(window, part, found.written[number] if found else (), found.potentials if found else None)
            if progress is not None:
                progress(window.own_end - window.own_start)
        yield name, letters, [join.finish() for join in joins]


def _windows(contigs, choices):
    """The stream of ((number, name, letters of the contig, window), letters of the window or None)."""

    size    = choices[0].window_size
    overlap = max(choice.covers for choice in choices)
    for number, (name, letters) in enumerate(contigs):
        tiles = windows.tile(len(letters), size, overlap)
        for window in tiles or [None]:
            part = b"" if window is None else letters[window.start:window.end]
            yield (number, name, letters, window), None if windows.is_blank(part) else part


class _Contig:
    """Collects the readings of one contig's windows for one way of decoding."""

    def __init__(self, settings):
        self.settings = settings
        self.path     = viterbi.Path(settings.grammar) if settings.searches else None
        self.written  = []
        self.count    = 0

    def add(self, window, letters, written, potentials):
        if self.path is not None:
            self.path.add(window, letters, potentials)
        if self.settings.writes:
            self.written.extend((self.count, _placed(window, *gene)) for gene in written)
        self.count += 1

    def finish(self):
        settings = self.settings
        written  = self._likely(joining.join_windows(self.written))
        path     = self._likely(self.path.finish()) if self.path is not None else []
        result   = joining.join_decoders(path, written, settings.both_add, settings.both_margin,
                                         settings.window_size) if settings.decoder == "both" else path or written
        return [gene for gene in result if gene.bases >= settings.min_cds]

    def _likely(self, found):
        return [gene for gene in found if gene.probability >= self.settings.min_probability]


def _placed(window, strand, segments, probability):
    """A gene of a window, on the contig, with its distance to the window's nearest edge."""

    placed = tuple((start + window.start, end + window.start) for start, end in segments)
    # a contig's end hides nothing, so it counts as infinitely far
    left   = float("inf") if window.first else segments[0][0]
    right  = float("inf") if window.last else window.end - placed[-1][1]
    return genes.Candidate(strand, placed, probability, "writer", min(left, right))
