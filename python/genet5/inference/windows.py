"""Windows over a contig: where they lie, and which of them answers for a base.

Everything here depends on the contig's length alone, never on what else is in the file.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Window:
    """A stretch of a contig that the model reads at once.

    start, end: int, 0-based half-open, on the contig
    own_start, own_end: the bases for which no other window is more central
    first, last: bool, whether the window's edge is the contig's end
    """

    start:     int
    end:       int
    own_start: int
    own_end:   int
    first:     bool
    last:      bool


def tile(length, size, overlap):
    """Windows that cover a contig.

    length:  int, bases of the contig
    size:    int, bases of a window; a shorter contig is one short window
    overlap: float, the share of a window that the next one covers again, 0 to below 1
    returns a list of Window, ascending; the last one is shifted back to end at the contig's end
    raises ValueError
    """

    if size < 1 or not 0 <= overlap < 1:
        raise ValueError(f"windows of {size} bases with overlap {overlap} cannot cover a contig")
    if length == 0:
        return []
    stride = max(1, round(size * (1 - overlap)))
    starts = list(range(0, max(length - size, 0), stride)) + [max(length - size, 0)]
    ends   = [min(start + size, length) for start in starts]
    # two neighbours share their overlap at its middle
    cuts   = [0] + [(left + right) // 2 for left, right in zip(ends, starts[1:])] + [length]
    return [Window(start, end, cuts[i], cuts[i + 1], start == 0, end == length)
            for i, (start, end) in enumerate(zip(starts, ends))]


def is_blank(letters):
    """Whether a stretch holds no base at all, only N and other ambiguity codes.

    letters: bytes
    """

    return not letters.strip(b"Nn") or not any(letter in letters for letter in b"ACGTUacgtu")
