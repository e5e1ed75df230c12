"""GFF3 files into gene models."""

import itertools
import pathlib
import tempfile

import timing

# rows that the slow peer gets
SLICE = 20_000


def split(inputs):
    """Rows into columns and positions, nothing linked."""

    import polars_bio

    import genet5.genome as genomes

    size  = inputs.annotation.stat().st_size / 1e6
    ours  = timing.call(lambda: genomes.count_rows(inputs.annotation))
    theirs = timing.call(lambda: polars_bio.scan_gff(str(inputs.annotation)).collect(), times=1)
    return timing.Row("GFF3 rows split", 500, "MB/s", 1, ours, size, [("polars-bio", theirs, size)], [])


def models(inputs):
    """The whole job: parse, link parents, choose transcripts; the ratio to gffread is what counts."""

    import genet5.genome as genomes

    size    = inputs.annotation.stat().st_size / 1e6
    ours    = timing.call(lambda: genomes.inspect(inputs.annotation))
    gffread = timing.command(["gffread", "-C", inputs.annotation, "-o", "/dev/null"])
    reach   = 10 * size / gffread.cpu if gffread else None
    peers   = [("gffread -C", gffread, size), slow_peer(inputs)]
    notes   = ["reach: 10 x gffread" if gffread else "gffread is not installed, so there is nothing to reach"]
    return timing.Row("GFF3 → gene models, whole job", reach, "MB/s", 1, ours, size, peers, notes)


def slow_peer(inputs):
    """gffutils on the first rows."""

    import gffutils

    with tempfile.TemporaryDirectory() as folder:
        part = pathlib.Path(folder) / "part.gff3"
        with inputs.annotation.open() as lines:
            part.write_text("".join(itertools.islice(lines, SLICE)))
        options = {"merge_strategy": "create_unique", "disable_infer_genes": True, "disable_infer_transcripts": True}
        theirs  = timing.call(lambda: gffutils.create_db(str(part), ":memory:", **options), times=1)
        return "gffutils", theirs, part.stat().st_size / 1e6
