"""The acceptance checklist as a validator: sound files pass, each fault is named with its line."""

import json
import random

import pytest

import genet5.genome as genomes
import genet5.score as score
import genet5.simulate as simulate

HEAD = "##gff-version 3\n##sequence-region a 1 60\n"
GENE = ("a\tx\tgene\t1\t9\t.\t+\t.\tID=g\na\tx\tmRNA\t1\t9\t.\t+\t.\tID=t;Parent=g\n"
        "a\tx\texon\t1\t9\t.\t+\t.\tParent=t\na\tx\tCDS\t1\t9\t.\t+\t0\tID=c;Parent=t\n###\n")


def rules(folder, text, letters=None, **options):
    (folder / "x.gff3").write_text(text)
    genome = None
    if letters is not None:
        genome = folder / "x.fna"
        genome.write_text(f">a\n{letters}\n")
    return {found["rule"]: found for found in score.check(folder / "x.gff3", genome, **options)}


def test_what_our_writer_writes_passes(tmp_path):
    species = tmp_path / "S.imulated"
    simulate.species(species, length=60_000, contigs=2, seed=5)
    fasta   = next(species.glob("fna*"))
    contigs = [(name, len(letters)) for name, letters in genomes.read_fasta(fasta)]
    index   = {name: i for i, (name, _) in enumerate(contigs)}
    genes   = [(index[gene["contig"]], gene["strand"], [(a, b) for a, b, _ in gene["transcripts"][0]["cds"]], 0.5)
               for gene in genomes.read_genes(next(species.glob("gff*")))]
    assert len(genes) > 5
    genomes.write_gff3(tmp_path / "out.gff3", contigs, genes)
    assert score.check(tmp_path / "out.gff3", fasta) == []


def test_an_empty_result_with_its_header_passes(tmp_path):
    assert rules(tmp_path, HEAD, "A" * 60) == {}
    assert set(rules(tmp_path, "", "A" * 60)) == {"version", "sequence_region"}


def test_a_violation_has_count_and_first_places(tmp_path):
    found = rules(tmp_path, HEAD + "".join(GENE.replace("=g", f"=g{i}").replace("=t", f"=t{i}").replace("=c", f"=c{i}")
                                           .replace("CDS\t1\t9\t.\t+\t0", "CDS\t1\t9\t.\t+\t1") for i in range(5)))
    assert found["phase"]["count"] == 5
    assert found["phase"]["places"][0] == (6, "CDS c0 a:1-9: 1, not 0")
    assert len(found["phase"]["places"]) == 3
    assert found["duplicates"]["count"] == 4


@pytest.mark.parametrize(("letters", "options", "expected"), [
    ("ATGAAATAA", {}, set()),
    ("TTGAAATAA", {}, {"start_codon"}),
    ("TTGAAATAA", {"table_starts": True}, set()),
    ("ATGAAAAAA", {}, {"stop_codon"}),
    ("ATGTAATGA", {}, {"in_frame_stop"}),
    ("ATGTAATGA", {"genetic_code": 6}, set()),
    ("ATGAAATAN", {}, {"stop_codon", "unknown_bases"}),
    ("ATGAAA", {}, {"sequence_region", "inside_sequence"}),
])
def test_letters_decide_about_codons(tmp_path, letters, options, expected):
    filled = letters if len(letters) < 9 else letters.ljust(60, "C")
    assert set(rules(tmp_path, HEAD + GENE, filled, **options)) == expected


def test_the_shortest_intron_can_be_chosen(tmp_path):
    rows = GENE.replace("\t1\t9", "\t1\t30").replace("exon\t1\t30", "exon\t1\t9").replace("CDS\t1\t30", "CDS\t1\t9")
    more = "a\tx\texon\t25\t30\t.\t+\t.\tParent=t\na\tx\tCDS\t25\t30\t.\t+\t0\tID=c;Parent=t\n"
    rows = rows.replace("###\n", f"{more}###\n")
    assert rules(tmp_path, HEAD + rows) == {}
    assert set(rules(tmp_path, HEAD + rows, min_intron=16)) == {"short_intron"}


def test_nothing_in_a_file_brings_it_down(tmp_path, shared):
    for path in sorted((shared / "torture").glob("*.gff*")):
        try:
            score.check(path)
        except ValueError as error:
            assert path.name in str(error) or "GTF" in str(error)
    draw = random.Random(3)
    for _ in range(200):
        text = list(HEAD + GENE)
        for _ in range(draw.randint(1, 6)):
            text[draw.randrange(len(text))] = draw.choice("\t\n;=,.09ag%#>é\0")
        rules(tmp_path, "".join(text), "ATGAAATAA".ljust(60, "C"))


def test_real_annotations_break_the_rules_that_the_project_knows_of(shared):
    folder = shared / "genomes" / "S.cerevisiae"
    found  = {violation["rule"]: violation for violation in score.check(folder / "gff.gz", folder / "fna.gz")}
    assert "closed" in found and "phase" not in found
    folder = shared / "genomes" / "P.falciparum"
    found  = {violation["rule"]: violation for violation in score.check(folder / "gff.gz", folder / "fna.gz")}
    assert found["in_frame_stop"]["count"] == 4


def test_the_command_exits_with_1_and_prints_a_line_a_rule(tmp_path, score_cli):
    (tmp_path / "good.gff3").write_text(HEAD + GENE)
    (tmp_path / "bad.gff3").write_text(HEAD + GENE.replace("\t+\t0\t", "\t+\t1\t").replace("###\n", ""))
    answer = score_cli(tmp_path, "check", "good.gff3")
    assert (answer.returncode, answer.stderr) == (0, "")
    answer = score_cli(tmp_path, "check", "bad.gff3")
    assert answer.returncode == 1
    assert [line.split(" ")[0] for line in answer.stdout.splitlines()] == ["closed", "phase"]
    assert "line 6" in answer.stdout
    rows = json.loads(score_cli(tmp_path, "check", "bad.gff3", "--json").stdout)
    assert [row["rule"] for row in rows] == ["closed", "phase"]
    (tmp_path / "x.gtf").write_text('a\tx\tCDS\t1\t9\t.\t+\t0\tgene_id "g"; transcript_id "t";\n')
    answer = score_cli(tmp_path, "check", "x.gtf")
    assert (answer.returncode, answer.stderr.count("\n")) == (1, 1)
    assert "GTF" in answer.stderr
