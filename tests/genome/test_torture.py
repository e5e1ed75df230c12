"""Odd files from other projects' tests and users' reports: each is read as wanted, or refused in one line."""

import json

import pytest

import genet5.cli.errors as exits
import genet5.cli.score as score_cli
import genet5.errors as errors
import genet5.genome as gm

# file -> genes, transcripts, CDS segments, genes without CDS, pseudogenes, repairs, why it is read so
READ = {
    "aegean_augustus.gff3":              (7, 7, 42, 0, 0, {},
        "AUGUSTUS style; the sequence name Chr12:538789..638788 stays as it is"),
    "aegean_ncbi_exceptions.gff3":       (7, 7, 54, 2, 0, {},
        "exception= is kept with its transcript; genes with one are left out of training"),
    "aegean_partial.gff3":               (3, 3, 11, 0, 0, {},
        "open ends come from start_range and end_range; the first phase of an open 5' end is trusted"),
    "aegean_pseudo.gff3":                (0, 0, 0, 2, 2, {},
        "pseudogenes are recognised and counted, their exons make no CDS"),
    "aegean_tair_altsplice.gff3":        (1, 2, 16, 0, 0, {"parent_is_protein": 16},
        "a CDS lists its protein as second parent; the transcript is the parent that counts"),
    "agat_issue448.gtf":                 (1, 1, 1, 1, 0, {"phase_missing": 1},
        "quoted values are opaque, blanks and brackets too; the missing phase follows from the frame"),
    "agat_stop_split.gtf":               (1, 1, 2, 0, 0, {"stop_codon_merged": 1},
        "a stop codon over two exons belongs to both CDS segments"),
    "agat_stop_starts_exon.gtf":         (1, 1, 2, 0, 0, {"stop_codon_merged": 1},
        "a stop codon alone at the start of an exon is a CDS segment of its own"),
    "agat_syntax_12.gff":                (0, 0, 0, 5, 5, {"duplicate_row": 3},
        "pseudogenes whose rows are there twice; a row counts once"),
    "agat_syntax_15.gff":                (0, 0, 0, 0, 0, {},
        "match and match_part are alignments, no genes"),
    "agat_syntax_26.gff":                (4, 4, 4, 0, 0, {"implicit_gene": 4, "implicit_transcript": 4},
        "CDS rows without any parent (Prodigal); each ID is a gene"),
    "agat_syntax_35.gff":                (1, 1, 1, 0, 0, {},
        "a UTR row that overlaps the CDS changes nothing of it"),
    "agat_syntax_36.gff":                (4, 10, 53, 0, 0, {"cds_id_per_row": 9, "implicit_gene": 4,
                                                            "implicit_transcript": 1, "undefined_parent": 4},
        "transcripts without gene rows and exons before their transcript; genes stay apart by gene_id"),
    "agat_syntax_42.gff":                (2, 2, 6, 0, 0, {"attribute_without_value": 16, "implicit_gene": 2,
                                                          "implicit_transcript": 2},
        "a bare word in column 9 is the ID"),
    "agat_urlescape.gff":                (2, 2, 9, 0, 0, {"cds_id_per_row": 2},
        "%XX is decoded; each CDS row has its own ID, so the transcript groups them"),
    "braker_style_head400.gtf":          (23, 24, 113, 0, 0, {},
        "gene and transcript rows hold a bare word, the rows below keys and values"),
    "geenuff_tomato.gff3":               (3, 6, 38, 2, 1, {},
        "a gene of a long RNA and a pseudogene have no CDS and are counted apart"),
    "genemark_style_head300.gtf":        (29, 29, 136, 0, 0, {},
        "GeneMark's GTF has the stop inside the CDS; nothing is added"),
    "gffutils_extra_comma.gff3":         (1, 1, 5, 0, 0, {},
        "the empty item after a comma in Parent is no parent"),
    "gffutils_gencode_v19.gtf":          (0, 0, 0, 1, 1, {},
        "no CDS here; gene_type says that it is a pseudogene"),
    "gffutils_genemarks2.gff3":          (2, 2, 2, 0, 0, {"implicit_transcript": 2},
        "CDS rows right under genes get transcripts; partial=11 tells the open ends"),
    "gffutils_hybrid.gff3":              (1, 1, 5, 0, 0, {"implicit_gene": 1, "phase_wrong": 4},
        "column 8 contradicts the reading frame, which is whole; it decides"),
    "gffutils_nokeyval.gff3":            (1, 1, 1, 1, 0, {"attribute_without_value": 4,
                                                          "id_shared_with_gene": 1},
        "items without = are passed over; gene and mRNA of one ID are told apart by their types"),
    "gt_children_before_parent.gff3":    (0, 0, 0, 0, 0, {},
        "children may come first; without CDS and gene rows there is nothing to read"),
    "gt_fasta_section.gff3":             (1, 1, 4, 0, 0, {},
        "rows end at ##FASTA"),
    "gt_fasta_without_directive.gff3":   (0, 0, 0, 1, 0, {},
        "rows end at > too"),
    "gt_gene_as_dag.gff3":               (1, 4, 13, 0, 0, {"several_cds_in_transcript": 1},
        "an exon may have several parents; the two CDS of one mRNA are two models"),
    "gt_gtf_inconsistent_strand.gtf":    (4, 4, 4, 8, 0, {"stop_codon_merged": 4},
        "the transcript with exons on both strands has no CDS: it counts as non-coding"),
    "gt_gtf_stop_in_cds.gtf":            (7, 7, 33, 0, 0, {"stop_codon_merged": 6},
        "a stop codon inside the CDS adds nothing, one behind it is merged"),
    "gt_is_circular.gff3":               (1, 1, 1, 0, 0, {"implicit_gene": 1, "implicit_transcript": 1},
        "a CDS over the end of a circular sequence is legal"),
    "gt_multi_equals.gff3":              (0, 0, 0, 1, 0, {},
        "foo==bar is split at the first ="),
    "gt_multi_feature.gff3":             (3, 3, 6, 0, 0, {"implicit_transcript": 3},
        "rows of one ID are one CDS; a CDS right under its gene gets a transcript"),
    "gt_phases3.gff3":                   (1, 1, 10, 0, 0, {"cds_id_per_row": 1},
        "phases that follow from the frame are right; each row has its own ID"),
    "gt_pseudo.gff3":                    (0, 0, 0, 0, 0, {},
        "an alignment, no gene"),
    "gt_range_check.gff3":               (0, 0, 0, 1, 0, {"outside_sequence_region": 1},
        "a gene beyond its ##sequence-region: told, since the region may be what is wrong"),
    "igv_ensembl_MYC.gff3":              (1, 9, 18, 0, 0, {},
        "Ensembl's GFF3 with prefixed IDs"),
    "igv_multi_line.gff3":               (0, 0, 0, 0, 0, {},
        "alignments only"),
    "igv_pombase.gff3":                  (1, 1, 4, 0, 0, {"cds_id_per_row": 1, "phase_wrong": 2},
        "two phases contradict the frame, which is whole; it decides"),
    "jbrowse_embedded_sequence.gff3":    (1, 1, 12, 0, 0, {},
        "the embedded sequence is no row"),
    "mikado_trans_splicing_refseq.gff3": (1, 1, 3, 1, 1, {},
        "rearrangements are noted as exceptions; such genes are left out of training"),
    "polarsbio_gencode_v38.gff3":        (0, 0, 0, 1, 1, {},
        "no CDS here; gene_type says that it is a pseudogene"),
    "ucsc_discontinuous.gff3":           (3, 3, 12, 0, 0, {},
        "rows of one ID are one CDS; IDs with | stay as they are"),
    "ucsc_specialcases.gff3":            (0, 0, 0, 0, 0, {},
        "cDNA_match and Target are alignments, no genes"),
}
# file -> line, what the message must say, why it is refused
REFUSED = {
    "bioperl_ribosome-slippage.gb":     (1, "9", "GenBank, no GFF: its first line has no tabs"),
    "gffutils_unsanitized.gff":         (1, "greater than end",
        "start 1000, end 500: swapping would be a guess about the strand"),
    "gffutils_wormbase_gff2.txt":       (1, "GFF2", "GFF2 says nothing about genes and transcripts"),
    "gt_corrupt_large.gff3":            (48, "strand 'X'", "a strand X is no strand"),
    "gt_cycle.gff3":                    (4, "mRNA1", "a feature that is its own ancestor has no gene"),
    "gt_multi_feature_diff_seqid.gff3": (3, "osa-MIR531", "one feature on two sequences"),
    "gt_undefined_parent.gff3":         (4, "mRNA2",
        "one of two parents is missing: a slip of the pen, not a cut of the file"),
    "ucsc_errorcases.gff3":             (13, "DMG5-chr2RHet.4.001.a",
        "an ID is used for two genes: merging them would invent a gene"),
}


@pytest.fixture
def torture(shared):
    return shared / "torture"


def test_every_file_is_known(torture):
    assert {path.name for path in torture.iterdir()} == {*READ, *REFUSED, "MANIFEST.tsv"}


@pytest.mark.parametrize("name", sorted(READ))
def test_odd_files_are_read(torture, name):
    found = gm.inspect(torture / name)
    names = ("genes", "transcripts", "cds_segments", "noncoding_genes", "pseudogenes", "repairs")
    assert tuple(found[key] for key in names) == READ[name][:-1]


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_wrong_files_are_refused_with_their_line(torture, name):
    line, words, _ = REFUSED[name]
    with pytest.raises(errors.InputError) as caught:
        gm.inspect(torture / name)
    message = str(caught.value)
    assert caught.value.line == line and f"line {line}:" in message and words in message
    assert "\n" not in message and name in message


@pytest.fixture
def commands(run, monkeypatch, capsys):
    """Run `genet5 inspect` and `genet5-score f1` on one file; gives the two (exit code, stdout, stderr)."""

    def score(*args):
        monkeypatch.setattr("sys.argv", ["genet5-score", *map(str, args)])
        code = exits.run(score_cli.cli, "genet5-score")
        return (code or 0, *capsys.readouterr())

    return lambda path, *options: (run("inspect", path, *options), score("f1", path, path, *options))


@pytest.mark.parametrize("name", sorted(READ))
def test_commands_read_them_and_tell_what_they_repaired(torture, commands, name):
    repairs = READ[name][-2]
    (code, out, _), (scored, rows, notes) = commands(torture / name, "--json")
    assert (code, scored) == (0, 0) and json.loads(out)["repairs"] == repairs
    told = [line for line in notes.splitlines() if ": repaired: " in line]
    # no level of the score looks at phases
    seen = {kind: count for kind, count in repairs.items() if not kind.startswith("phase")}
    assert len(told) == (2 if seen else 0) and all(f"{kind} {n}" in line for line in told for kind, n in seen.items())
    for row in json.loads(rows):
        assert row["f1"] in (1, None) and row["tp"] == row["n_reference"] == row["n_prediction"]
    for code, out, err in commands(torture / name, "--strict"):
        if not repairs:
            assert code == 0
            continue
        assert (code, out, err.count("\n")) == (1, "", 1) and err.startswith(f"error: {torture / name}, line ")
        assert any(f": {kind}: " in err for kind in repairs)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_commands_refuse_them_in_one_line(torture, commands, name):
    line, words, _ = REFUSED[name]
    for code, out, err in commands(torture / name):
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert err.startswith(f"error: {torture / name}, line {line}: ") and words in err


def transcript(path, index=0):
    return gm.read_genes(path)[index]["transcripts"][0]


def test_a_split_stop_codon_belongs_to_both_exons(torture):
    assert transcript(torture / "agat_stop_split.gtf")["cds"] == [[143060925, 143061066, 0], [143061213, 143061215, 0]]
    assert transcript(torture / "agat_stop_starts_exon.gtf")["cds"][1] == [143061213, 143061216, 0]


def test_a_stop_codon_inside_the_cds_adds_nothing(torture):
    first = gm.read_genes(torture / "gt_gtf_stop_in_cds.gtf")[0]
    assert first["end"] == 19151841


def test_two_cds_of_one_transcript_stay_apart(torture):
    gene = gm.read_genes(torture / "gt_gene_as_dag.gff3")[0]
    cds  = {t["id"]: t["cds"][0] for t in gene["transcripts"]}
    assert cds["mRNA00003"] == [3300, 3902, 0] and cds["mRNA00003.cds00004"] == [3390, 3902, 0]
    assert gene["canonical"] == 0


def test_open_ends_are_told_from_their_ranges(torture):
    genes = {gene["id"]: gene["transcripts"][0] for gene in gm.read_genes(torture / "aegean_partial.gff3")}
    open_ends = [(name, t["partial_start"], t["partial_end"]) for name, t in genes.items()]
    assert open_ends == [("gene1", False, False), ("gene2", False, True), ("gene3", False, False)]


def test_prodigal_and_genemark_digits_tell_the_open_ends(torture):
    first, second = gm.read_genes(torture / "gffutils_genemarks2.gff3")
    assert first["transcripts"][0]["partial_start"] and first["transcripts"][0]["partial_end"]
    # right end open, on the minus strand
    assert second["transcripts"][0]["partial_start"] and not second["transcripts"][0]["partial_end"]


def test_names_are_kept_verbatim_and_only_percent_escapes_decoded(torture):
    assert gm.read_genes(torture / "aegean_augustus.gff3")[0]["contig"] == "Chr12:538789..638788"
    assert gm.read_genes(torture / "ucsc_discontinuous.gff3")[0]["id"] == "apidb|MAL13P1.103"
    opaque = transcript(torture / "agat_issue448.gtf")["id"]
    assert opaque == "LOC115462503 [nr]|ZNF268 [hs]|AMEX60DD201000004.1"


def test_exceptions_are_noted(torture):
    assert transcript(torture / "mikado_trans_splicing_refseq.gff3")["exception"].startswith("rearrangement")
    noted = [g for g in gm.read_genes(torture / "aegean_ncbi_exceptions.gff3") if g["transcripts"][0]["exception"]]
    assert len(noted) == 1
