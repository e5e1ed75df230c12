"""What `genet5.extract` writes and counts, beside a plain reference on random genes."""

import collections
import gzip
import pathlib
import statistics
import tempfile

import hypothesis
import hypothesis.strategies as st
import pytest

import genet5.errors as errors
import genet5.extract as extracting
import genet5.genome as genomes

FASTA = ("proteins", "cds", "mrna", "exons", "introns", "genes", "intergenic", "upstream")
MORE  = hypothesis.settings(max_examples=150, deadline=None)


def written(plain, folder, contigs, genes, width=60, **choice):
    """(report, product -> text) of everything that can be written about random genes."""

    folder = pathlib.Path(folder)
    (folder / "x.gff").write_text(plain.gff3(genes))
    (folder / "x.fna").write_text(plain.fasta(contigs, width))
    outputs = {product: folder / product for product in extracting.PRODUCTS}
    report  = extracting.extract(folder / "x.gff", folder / "x.fna", outputs, **choice)
    return report, {product: path.read_text() for product, path in outputs.items()}


@MORE
@hypothesis.given(st.data(), st.sampled_from([1, 12]), st.integers(1, 30))
def test_every_sequence_is_what_its_definition_says(plain, data, table, upstream):
    contigs, genes = data.draw(plain.cases())
    with tempfile.TemporaryDirectory() as folder:
        report, texts = written(plain, folder, contigs, genes, upstream, upstream=upstream, genetic_code=table)
    expected = plain.products(contigs, genes, table, upstream)
    for product in FASTA:
        assert texts[product] == expected[product], product
        assert report["records"][product] == expected[product].count(">")
    assert (report["genes"], report["transcripts"]) == (len({t.gene for t in genes}), len(genes))


@MORE
@hypothesis.given(st.data())
def test_gtf_and_bed_hold_the_same_genes(plain, data):
    contigs, genes = data.draw(plain.cases())
    with tempfile.TemporaryDirectory() as folder:
        _, texts = written(plain, folder, contigs, genes)
        path     = pathlib.Path(folder) / "x.gtf"
        path.write_text(texts["gtf"])
        found = {t["id"]: (gene["contig"], gene["strand"], [tuple(part) for part in t["cds"]])
                 for gene in genomes.read_genes(path) for t in gene["transcripts"]}
        source = {t["id"]: (gene["contig"], gene["strand"], [tuple(part) for part in t["cds"]])
                  for gene in genomes.read_genes(pathlib.Path(folder) / "x.gff") for t in gene["transcripts"]}
    assert found == source
    blocks = {}
    for line in texts["bed"].splitlines():
        chrom, start, _, name, _, strand, *thick, _, _, sizes, starts = line.split("\t")
        lengths      = [int(size) for size in sizes.split(",")[:-1]]
        offsets      = [int(start) + int(offset) for offset in starts.split(",")[:-1]]
        blocks[name] = chrom, strand, [(a, a + n) for a, n in zip(offsets, lengths)], *map(int, thick)
    assert blocks == {t.id: (t.contig, t.strand, t.exons, t.cds[0][0], t.cds[-1][1]) for t in genes}


@MORE
@hypothesis.given(st.data())
def test_counts_are_what_a_plain_count_says(plain, data):
    contigs, genes = data.draw(plain.cases())
    with tempfile.TemporaryDirectory() as folder:
        report, _ = written(plain, folder, contigs, genes, stats=True)
    stats   = report["stats"]
    introns = {(t.gene, t.contig, t.strand, *part): t for t in genes for part in t.introns}
    pairs   = [plain.read(contigs, t, [key[3:]]).upper() for key, t in introns.items()]
    assert tally(stats["splice_pairs"]) == collections.Counter(f"{p[:2]}-{p[-2:]}" for p in pairs)
    assert stats["intron_lengths"]["count"] == len(introns)
    lengths = [end - start for *_, start, end in introns]
    assert stats["intron_lengths"]["sum"] == sum(lengths)
    if lengths:
        assert stats["intron_lengths"]["median"] == statistics.median_low(lengths)
        assert stats["intron_lengths"]["mean"] == pytest.approx(statistics.mean(lengths))
    codings = [plain.coding(contigs, t).upper() for t in genes]
    codons  = [[cds[i:i + 3] for i in range(0, len(cds) - 2, 3)] for cds in codings]
    assert tally(stats["start_codons"]) == collections.Counter(c[0] for c in codons if c)
    assert tally(stats["stop_codons"]) == collections.Counter(c[-1] for c in codons if c)
    usage = {use["codon"]: use["count"] for use in stats["codon_usage"]}
    count = collections.Counter(codon for c in codons for codon in c)
    assert usage == {codon: count[codon] for codon in usage} and len(usage) == 64
    assert stats["in_frame_stops"] == sum("*" in plain.translate(cds, 1)[:-1] for cds in codings)
    assert stats["incomplete_codons"] == sum(len(cds) % 3 > 0 for cds in codings)
    assert stats["gc"]["cds"] == gc("".join(codings)) and stats["gc"]["genome"] == gc("".join(contigs.values()))
    assert stats["gc"]["codon_position_3"] == gc("".join(codon[2] for c in codons for codon in c))


def tally(entries):
    return {entry["name"]: entry["count"] for entry in entries}


def gc(letters):
    known = [letter for letter in letters.upper() if letter in "ACGT"]
    return pytest.approx(sum(letter in "GC" for letter in known) / len(known)) if known else None


@MORE
@hypothesis.given(st.data())
def test_longest_keeps_one_transcript_of_each_gene(plain, data):
    contigs, genes = data.draw(plain.cases())
    best = {}
    for t in genes:
        size = sum(end - start for start, end in t.cds)
        if size > best.get(t.gene, (0, None))[0]:
            best[t.gene] = size, t.id
    with tempfile.TemporaryDirectory() as folder:
        _, texts = written(plain, folder, contigs, genes, longest=True)
    assert {line[1:] for line in texts["cds"].splitlines() if line[0] == ">"} == {name for _, name in best.values()}


def test_a_protein_is_the_translation_of_its_coding_sequence(unpacked, records, tmp_path):
    annotation, genome = unpacked("C.albicans")
    outputs = {"proteins": tmp_path / "p", "cds": tmp_path / "c"}
    extracting.extract(annotation, genome, outputs, genetic_code=12)
    proteins, coding = records(outputs["proteins"]), records(outputs["cds"])
    assert list(proteins) == list(coding) and len(proteins) == 6030
    for name, letters in coding.items():
        # genome.translate leaves every ambiguous codon open
        plainly = genomes.translate(letters.encode(), 12).removesuffix("*")
        assert len(plainly) == len(proteins[name])
        assert all(one in (other, "X") for one, other in zip(plainly, proteins[name]))


def test_packed_files_give_the_same_as_plain_ones(unpacked, shared, tmp_path):
    packed = shared / "genomes" / "S.pombe"
    texts  = []
    for annotation, genome in (unpacked("S.pombe"), (packed / "gff.gz", packed / "fna.gz")):
        outputs = {product: tmp_path / product for product in extracting.PRODUCTS}
        extracting.extract(annotation, genome, outputs, upstream=100)
        texts.append([path.read_text() for path in outputs.values()])
    assert texts[0] == texts[1] and all(texts[0])


def test_a_gene_beyond_its_contig_is_one_clear_error(tmp_path):
    (tmp_path / "x.gff.gz").write_bytes(gzip.compress(b"chr\t.\tCDS\t3\t99\t.\t+\t0\tID=t\n"))
    (tmp_path / "x.fna").write_text(">chr\nACGTACGT\n")
    with pytest.raises(errors.InputError, match=r"line 1: gene t ends at 99, but chr has 8 bases"):
        extracting.extract(tmp_path / "x.gff.gz", tmp_path / "x.fna", {"cds": tmp_path / "cds"})
    assert not (tmp_path / "cds").exists() and not list(tmp_path.glob(".*"))
