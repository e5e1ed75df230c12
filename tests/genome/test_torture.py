"""Odd files from other projects' tests and users' reports: each is read as wanted, or refused in one line."""

import pytest

import genet5.errors as errors
import genet5.genome as gm

# file -> genes, transcripts, CDS segments, genes without CDS, pseudogenes, repairs
READ = {
    "aegean_augustus.gff3":              (7, 7, 42, 0, 0, {}),
    "aegean_ncbi_exceptions.gff3":       (7, 7, 54, 2, 0, {}),
    "aegean_partial.gff3":               (3, 3, 11, 0, 0, {}),
    "aegean_pseudo.gff3":                (0, 0, 0, 2, 2, {}),
    "aegean_tair_altsplice.gff3":        (1, 2, 16, 0, 0, {"parent_is_protein": 16}),
    "agat_issue448.gtf":                 (1, 1, 1, 1, 0, {"phase_missing": 1}),
    "agat_stop_split.gtf":               (1, 1, 2, 0, 0, {"stop_codon_merged": 1}),
    "agat_stop_starts_exon.gtf":         (1, 1, 2, 0, 0, {"stop_codon_merged": 1}),
    "agat_syntax_12.gff":                (0, 0, 0, 5, 5, {"duplicate_row": 3}),
    "agat_syntax_15.gff":                (0, 0, 0, 0, 0, {}),
    "agat_syntax_26.gff":                (4, 4, 4, 0, 0, {"implicit_gene": 4, "implicit_transcript": 4}),
    "agat_syntax_35.gff":                (1, 1, 1, 0, 0, {}),
    "agat_syntax_36.gff":                (4, 10, 53, 0, 0, {"cds_id_per_row": 9, "implicit_gene": 4,
                                                            "implicit_transcript": 1, "undefined_parent": 4}),
    "agat_syntax_42.gff":                (2, 2, 6, 0, 0, {"attribute_without_value": 16, "implicit_gene": 2,
                                                          "implicit_transcript": 2}),
    "agat_urlescape.gff":                (2, 2, 9, 0, 0, {"cds_id_per_row": 2}),
    "braker_style_head400.gtf":          (23, 24, 113, 0, 0, {}),
    "geenuff_tomato.gff3":               (3, 6, 38, 2, 1, {}),
    "genemark_style_head300.gtf":        (29, 29, 136, 0, 0, {}),
    "gffutils_extra_comma.gff3":         (1, 1, 5, 0, 0, {}),
    "gffutils_gencode_v19.gtf":          (0, 0, 0, 1, 1, {}),
    "gffutils_genemarks2.gff3":          (2, 2, 2, 0, 0, {"implicit_transcript": 2}),
    "gffutils_hybrid.gff3":              (1, 1, 5, 0, 0, {"implicit_gene": 1, "phase_wrong": 4}),
    "gffutils_nokeyval.gff3":            (1, 1, 1, 1, 0, {"attribute_without_value": 4,
                                                          "id_shared_with_gene": 1}),
    "gt_children_before_parent.gff3":    (0, 0, 0, 0, 0, {}),
    "gt_fasta_section.gff3":             (1, 1, 4, 0, 0, {}),
    "gt_fasta_without_directive.gff3":   (0, 0, 0, 1, 0, {}),
    "gt_gene_as_dag.gff3":               (1, 4, 13, 0, 0, {"several_cds_in_transcript": 1}),
    "gt_gtf_inconsistent_strand.gtf":    (4, 4, 4, 8, 0, {"stop_codon_merged": 4}),
    "gt_gtf_stop_in_cds.gtf":            (7, 7, 33, 0, 0, {"stop_codon_merged": 6}),
    "gt_is_circular.gff3":               (1, 1, 1, 0, 0, {"implicit_gene": 1, "implicit_transcript": 1}),
    "gt_multi_equals.gff3":              (0, 0, 0, 1, 0, {}),
    "gt_multi_feature.gff3":             (3, 3, 6, 0, 0, {"implicit_transcript": 3}),
    "gt_phases3.gff3":                   (1, 1, 10, 0, 0, {"cds_id_per_row": 1}),
    "gt_pseudo.gff3":                    (0, 0, 0, 0, 0, {}),
    "gt_range_check.gff3":               (0, 0, 0, 1, 0, {"outside_sequence_region": 1}),
    "igv_ensembl_MYC.gff3":              (1, 9, 18, 0, 0, {}),
    "igv_multi_line.gff3":               (0, 0, 0, 0, 0, {}),
    "igv_pombase.gff3":                  (1, 1, 4, 0, 0, {"cds_id_per_row": 1, "phase_wrong": 2}),
    "jbrowse_embedded_sequence.gff3":    (1, 1, 12, 0, 0, {}),
    "mikado_trans_splicing_refseq.gff3": (1, 1, 3, 1, 1, {}),
    "polarsbio_gencode_v38.gff3":        (0, 0, 0, 1, 1, {}),
    "ucsc_discontinuous.gff3":           (3, 3, 12, 0, 0, {}),
    "ucsc_specialcases.gff3":            (0, 0, 0, 0, 0, {}),
}
# file -> line and what the message must say
REFUSED = {
    "bioperl_ribosome-slippage.gb":     (1, "9"),
    "gffutils_unsanitized.gff":         (1, "greater than end"),
    "gffutils_wormbase_gff2.txt":       (1, "GFF2"),
    "gt_corrupt_large.gff3":            (48, "strand 'X'"),
    "gt_cycle.gff3":                    (4, "mRNA1"),
    "gt_multi_feature_diff_seqid.gff3": (3, "osa-MIR531"),
    "gt_undefined_parent.gff3":         (4, "mRNA2"),
    "ucsc_errorcases.gff3":             (13, "DMG5-chr2RHet.4.001.a"),
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
    assert tuple(found[key] for key in names) == READ[name]


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_wrong_files_are_refused_with_their_line(torture, name):
    line, words = REFUSED[name]
    with pytest.raises(errors.InputError) as caught:
        gm.inspect(torture / name)
    message = str(caught.value)
    assert caught.value.line == line and f"line {line}:" in message and words in message
    assert "\n" not in message and name in message


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
