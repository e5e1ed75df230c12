"""The twelve real genomes: models equal to a plain reading, counts equal to the known ones."""

import itertools

import pytest

import genet5.genome as gm

# contigs, genes, transcripts, CDS segments, single-exon share; A.thaliana's CDS rows name their protein as a
# second parent, and who takes those for transcripts counts 810 genes and 926 transcripts
COUNTS = {
    "A.thaliana":    (7, 347, 463, 2443, 0.233),
    "A.tubingensis": (1, 644, 742, 2080, 0.210),
    "C.albicans":    (8, 6030, 6030, 6432, 0.940),
    "C.elegans":     (1, 2606, 4193, 27466, 0.019),
    "H.sapiens":     (1, 8, 41, 410, 0.098),
    "L.fermentati":  (8, 5207, 5207, 5528, 0.941),
    "P.falciparum":  (14, 5307, 5354, 14077, 0.453),
    "P.knowlesi":    (14, 5231, 5231, 14522, 0.462),
    "P.yoelii":      (14, 6006, 6006, 16650, 0.393),
    "S.cerevisiae":  (16, 5989, 5989, 6316, 0.947),
    "S.pombe":       (1, 200, 200, 365, 0.610),
    "T.brucei":      (1, 471, 472, 472, 1.000),
}
BASES = {
    "A.thaliana":    (7, 1196674),
    "A.tubingensis": (1, 1967716),
    "C.albicans":    (8, 14282759),
    "C.elegans":     (1, 13783700),
    "H.sapiens":     (1, 1000000),
    "L.fermentati":  (8, 10264457),
    "P.falciparum":  (14, 23292622),
    "P.knowlesi":    (14, 23938832),
    "P.yoelii":      (14, 23043114),
    "S.cerevisiae":  (16, 12071326),
    "S.pombe":       (1, 451226),
    "T.brucei":      (1, 1064672),
}


@pytest.fixture(params=sorted(COUNTS))
def species(request):
    return request.param


def test_counts_are_the_known_ones(shared, species):
    found = gm.inspect(shared / "genomes" / species / "gff.gz")
    names = ("contigs", "genes", "transcripts", "cds_segments")
    assert tuple(found[name] for name in names) == COUNTS[species][:4]
    assert round(found["single_exon_share"], 3) == COUNTS[species][4]


def test_models_equal_a_plain_reading(shared, species, plain_models):
    path     = shared / "genomes" / species / "gff.gz"
    expected = plain_models(path)
    found    = gm.read_genes(path)
    assert {gene["id"] for gene in found} == set(expected)
    for gene in found:
        place = (gene["contig"], gene["strand"])
        read  = {t["id"]: [(*place, start, end) for start, end, _ in t["cds"]] for t in gene["transcripts"]}
        assert read == expected[gene["id"]]


def test_the_canonical_transcript_has_the_longest_cds(shared):
    for gene in gm.read_genes(shared / "genomes" / "C.elegans" / "gff.gz"):
        lengths = [sum(end - start for start, end, _ in t["cds"]) for t in gene["transcripts"]]
        assert gene["canonical"] == lengths.index(max(lengths))


def test_fasta_bases_are_the_known_ones(shared, species):
    contigs = gm.read_fasta(shared / "genomes" / species / "fna.gz")
    assert (len(contigs), sum(len(letters) for _, letters in contigs)) == BASES[species]


@pytest.mark.parametrize("name", ["A.thaliana", "S.pombe", "T.brucei"])
def test_sequences_equal_a_plain_reading(shared, plain_fasta, name):
    path = shared / "genomes" / name / "fna.gz"
    assert gm.read_fasta(path) == plain_fasta(path)


def test_invalid_genes_are_told_by_reason(shared):
    def invalid(name, **grammar):
        folder = shared / "genomes" / name
        found  = gm.inspect(folder / "gff.gz", folder / "fna.gz", **grammar)
        assert found["valid_genes"] + sum(found["invalid_genes"].values()) == found["genes"]
        return found["invalid_genes"]

    # 47 programmed frameshifts bear an exception, 6 pseudogenes a CDS
    assert invalid("S.cerevisiae") == {"exception": 47, "pseudogene": 6, "non_canonical_splice": 2}
    assert invalid("T.brucei") == {"no_start": 1}
    assert invalid("L.fermentati") == {}
    assert invalid("H.sapiens") == {}
    assert invalid("C.albicans", genetic_code=12)["in_frame_stop"] == 8


@pytest.mark.parametrize("name", ["S.cerevisiae", "S.pombe", "H.sapiens"])
def test_validity_equals_a_plain_check(shared, name):
    stops   = {"TAA", "TAG", "TGA"}
    introns = {("GT", "AG"), ("GC", "AG"), ("AT", "AC")}
    folder  = shared / "genomes" / name
    genome  = {contig: letters.decode() for contig, letters in gm.read_fasta(folder / "fna.gz")}
    for gene in gm.read_genes(folder / "gff.gz", folder / "fna.gz"):
        letters = genome[gene["contig"]]
        parts   = gm.segments(gene)
        gaps    = [letters[a[1]:b[0]] for a, b in itertools.pairwise(parts)]
        cds     = "".join(letters[start:end] for start, end in parts)
        if gene["strand"] == "-":
            cds  = gm.reverse_complement(cds.encode()).decode()
            gaps = [gm.reverse_complement(gap.encode()).decode() for gap in gaps]
        codons  = [cds[i:i + 3] for i in range(0, len(cds), 3)]
        valid   = len(cds) % 3 == 0 and codons[0] == "ATG" and codons[-1] in stops
        valid  &= not stops.intersection(codons[:-1]) and set(cds) <= set("ACGT")
        valid  &= all(len(gap) >= 10 and (gap[:2], gap[-2:]) in introns for gap in gaps)
        noted   = gene["pseudo"] or gene["transcripts"][gene["canonical"]]["exception"] is not None
        assert gene["valid"] == (valid and not noted), gene["id"]
        assert (gm.check(letters.encode(), gene["strand"], parts) is None) == valid
        if valid:
            assert gm.translate(cds.encode()).find("*") == len(codons) - 1


@pytest.mark.parametrize("name", ["A.thaliana", "C.elegans", "P.falciparum", "S.cerevisiae"])
@pytest.mark.parametrize("role", ["ref", "pred"])
def test_gff3_and_gtf_of_one_annotation_agree(shared, name, role):
    folder = shared / "golden" / f"{name}.augustus"

    def models(path):
        genes = gm.read_genes(path)
        return {(g["contig"], g["strand"], str(t["cds"])) for g in genes for t in g["transcripts"]}

    assert models(folder / f"{role}.gff3.gz") == models(folder / f"{role}.gtf.gz")
