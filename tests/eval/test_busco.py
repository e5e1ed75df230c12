"""Completeness by markers: the search equals hmmsearch's, the rules are BUSCO's, step by step."""

import gzip
import json
import os
import pathlib
import random
import shutil
import subprocess

import pytest

import genet5.errors as errors
import genet5.eval.busco as busco
import genet5.eval.busco.lineage as lineages
import genet5.eval.busco.proteins as proteins
import genet5.eval.busco.report as report
import genet5.eval.busco.rules as rules
import genet5.eval.busco.search as search
import genet5.extract as extract


@pytest.fixture
def sample(shared):
    """The folder of the small lineage."""

    return shared / "busco" / "sample_data" / "example"


@pytest.fixture
def ancestral(sample):
    """Its ten positive controls, list of (name, sequence)."""

    pytest.importorskip("pyhmmer", reason="pyhmmer is not installed: pip install 'genet5[busco]'")
    return proteins.read(sample / "ancestral")


def made_up(scores, lengths=None):
    """A lineage without files."""

    return lineages.Lineage(path=pathlib.Path("x"), name="x", created="NA", species="NA", scores=scores,
                            lengths=lengths or {}, profiles={}, links={})


def hit(protein, score, size=100, length=100):
    return search.Hit(protein=protein, score=score, length=length, intervals=((1, size),))


def classes(hits, scores=None, lengths=None, generation="B"):
    """Class of each marker, dict."""

    scores = scores or dict.fromkeys(hits, 50.0)
    found  = rules.classify(made_up(scores, lengths), hits, generation)
    named  = {marker: kind for kind in ("single", "duplicated", "fragmented") for marker in found[kind]}
    return named | dict.fromkeys(found["missing"], "missing")


# --- search

def test_rows_equal_the_domain_table_of_hmmsearch(sample, ancestral, tmp_path):
    if shutil.which("hmmsearch") is None:
        pytest.skip("hmmsearch is not installed (Debian package hmmer)")
    # fusions and pieces, so that there are several domains and weak hits
    draw  = random.Random(1)
    fasta = list(ancestral)
    for number in range(60):
        (_, one), (_, two) = draw.sample(ancestral, 2)
        fasta.append((f"fused{number}", one[draw.randrange(len(one)):] + two[:draw.randrange(20, len(two))] + one))
    path = tmp_path / "all.faa"
    path.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in fasta))
    ours = search.search(lineages.read(sample), fasta, threads=2)
    for marker, hits in ours.items():
        table = tmp_path / f"{marker}.tbl"
        subprocess.run(["hmmsearch", "--domtblout", table, "--cpu", "1", sample / "hmms" / f"{marker}.hmm", path],
                       check=True, stdout=subprocess.DEVNULL)
        rows   = [line.split() for line in table.read_text().splitlines() if not line.startswith("#")]
        theirs = [(row[0], float(row[7]), int(row[5]), int(row[15]), int(row[16])) for row in rows]
        flat   = [(hit.protein, hit.score, hit.length, *interval) for hit in hits for interval in hit.intervals]
        assert sorted(flat) == sorted(theirs)
        assert len(rows) >= len(hits) > 0


def test_neither_the_order_of_proteins_nor_threads_change_anything(sample, ancestral):
    shuffled = random.Random(0).sample(ancestral, len(ancestral))
    one, two = (busco.evaluate(given, sample, threads=threads) for given, threads in ((ancestral, 1), (shuffled, 2)))
    assert report.full_table(one) == report.full_table(two)


def test_no_proteins_at_all_is_all_missing(sample):
    pytest.importorskip("pyhmmer", reason="pyhmmer is not installed: pip install 'genet5[busco]'")
    result = busco.evaluate([], sample)
    assert report.line(result) == "C:0.0%[S:0.0%,D:0.0%],F:0.0%,M:100.0%,n:10"


@pytest.mark.parametrize("generation", ["A", "B"])
def test_the_ancestral_proteins_are_all_single(sample, ancestral, generation):
    """By hand: each scores over its cut-off, and each length lies within two sigmas of its mean."""

    result = busco.evaluate(ancestral, sample, generation)
    assert report.line(result) == "C:100.0%[S:100.0%,D:0.0%],F:0.0%,M:0.0%,n:10"
    assert {marker: [match.protein for match in found] for marker, found in result.single.items()} == {
        name: [name] for name, _ in ancestral}


def test_half_a_protein_is_a_fragment_where_its_length_leaves_two_sigmas(sample, ancestral):
    """BUSCO_9: mean 144.6, sigma 1.7, so any shorter match is a fragment; its first half still scores over 123.68."""

    sequence = dict(ancestral)["BUSCO_9"]
    result   = busco.evaluate([("part", sequence[:110])], sample)
    assert list(result.fragmented) == ["BUSCO_9"]
    assert result.fragmented["BUSCO_9"][0].size < 144.6 - 2 * 1.7


# --- rules, one by one

def test_overlapping_domains_count_twice_in_generation_a_and_once_in_b():
    intervals = ((1, 50), (40, 100))
    assert rules.sum_of_domains(intervals) == 49 + 60
    assert rules.union_of_domains(intervals) == 100
    assert rules.union_of_domains(((1, 10), (11, 20), (2, 5))) == 20


def test_a_score_equal_to_the_cutoff_counts():
    assert classes({"m1": [hit("p", 50.0)], "m2": [hit("q", 49.9)]}) == {"m1": "single", "m2": "missing"}


@pytest.mark.parametrize("size, kind", [(80, "complete"), (79, "fragment")])
def test_odb12_asks_for_four_fifths_of_the_profile(size, kind):
    assert rules.length_class(size, 100, None) == kind


@pytest.mark.parametrize("size, kind", [(120, "complete"), (121, "very_large"), (80, "complete"), (79, "fragment")])
def test_odb10_asks_for_two_sigmas_both_ends_included(size, kind):
    assert rules.length_class(size, 500, (100.0, 10.0)) == kind


def test_a_protein_of_two_markers_stays_with_the_better_one():
    assert classes({"m1": [hit("p", 60.0)], "m2": [hit("p", 70.0)]}) == {"m1": "missing", "m2": "single"}


def test_of_equal_scores_the_first_file_name_wins():
    assert classes({"m10": [hit("p", 60.0)], "m1": [hit("p", 60.0)]}) == {"m1": "single", "m10": "missing"}


def test_a_marker_that_loses_its_complete_protein_is_missing_although_it_had_a_fragment():
    hits = {"m1": [hit("p", 60.0), hit("q", 55.0, size=10)], "m2": [hit("p", 70.0)]}
    assert classes(hits) == {"m1": "missing", "m2": "single"}


def test_a_protein_used_in_a_higher_class_is_no_fragment_of_another_marker():
    assert classes({"m1": [hit("p", 60.0)], "m2": [hit("p", 90.0, size=10)]}) == {"m1": "single", "m2": "missing"}


def test_very_large_counts_as_complete_and_gives_way_to_complete():
    lengths = {"m1": (100.0, 10.0), "m2": (100.0, 10.0)}
    hits    = {"m1": [hit("p", 60.0, 200)], "m2": [hit("q", 60.0, 100), hit("r", 90.0, 200)]}
    found   = rules.classify(made_up({"m1": 50.0, "m2": 50.0}, lengths), hits, "B")
    assert {marker: [match.protein for match in kept] for marker, kept in found["single"].items()} == {
        "m1": ["p"], "m2": ["q"]}


@pytest.mark.parametrize("second, kind", [(85.0, "duplicated"), (84.9, "single")])
def test_a_second_copy_scores_at_least_85_per_cent_of_the_best(second, kind):
    assert classes({"m1": [hit("p", 100.0), hit("q", second)]}) == {"m1": kind}


def test_of_several_fragments_the_best_stays():
    found = rules.classify(made_up({"m1": 50.0}), {"m1": [hit("p", 60.0, 10), hit("q", 61.0, 9)]}, "B")
    assert [match.protein for match in found["fragmented"]["m1"]] == ["q"]


def test_the_generations_round_differently():
    counts = {"complete": 5, "single": 4, "duplicated": 1, "fragmented": 1, "missing": 1, "n": 7}
    newer  = rules.percentages(counts, "B")
    older  = rules.percentages(counts, "A")
    assert (newer["complete"], newer["missing"]) == (71.4, 14.3)
    assert (older["complete"], older["missing"]) == (71.4, 14.3)
    counts = {"complete": 2, "single": 1, "duplicated": 1, "fragmented": 0, "missing": 1, "n": 3}
    assert rules.percentages(counts, "B")["complete"] == 66.7
    assert rules.percentages(counts, "A")["complete"] == 66.6


# --- lineage folders

def write_lineage(folder, scores, profiles=("1at1",), lengths=None, name="x_odb12"):
    (folder / "hmms").mkdir(parents=True)
    (folder / "scores_cutoff").write_text(scores)
    (folder / "dataset.cfg").write_text(f"name={name}\ncreation_date=2024-01-01\nnumber_of_species=3\n")
    for profile in profiles:
        (folder / "hmms" / f"{profile}.hmm").write_text("")
    if lengths is not None:
        (folder / "lengths_cutoff").write_text(lengths)
    return folder


def test_markers_are_those_of_the_tables_not_the_profiles(tmp_path):
    folder  = write_lineage(tmp_path / "l", "20at1 5.5\n3at1 7\n", profiles=("3at1", "9at1"))
    lineage = lineages.read(folder)
    assert lineage.markers == ["3at1", "20at1"]
    assert lineage.runnable == ["3at1"]
    assert len(lineage.problems()) == 2


def test_sigma_zero_counts_as_one(tmp_path):
    folder = write_lineage(tmp_path / "l", "1at1 5\n", lengths="1at1 0 0 100", name="x_odb10")
    assert lineages.read(folder).lengths == {"1at1": (100.0, 1.0)}


def test_odb12_2_is_refused_with_the_reason(tmp_path):
    folder = write_lineage(tmp_path / "l", "1at1 5\n", name="fungi_odb12.2")
    with pytest.raises(errors.InputError, match=r"odb12\.2.*6\.1"):
        lineages.read(folder)


def test_odb12_2_is_refused_whatever_its_folder_is_called(tmp_path):
    folder = write_lineage(tmp_path / "fungi_odb12", "1at1 5\n", name="fungi_odb12.2")
    with pytest.raises(errors.InputError, match=r"fungi_odb12\.2 needs .*6\.1"):
        lineages.read(folder)


@pytest.mark.parametrize("lengths, reason", [(None, "lengths_cutoff: missing"), ("", "lengths_cutoff: empty")])
def test_an_older_lineage_without_lengths_is_not_counted_by_the_rule_of_odb12(tmp_path, lengths, reason):
    folder = write_lineage(tmp_path / "l", "1at1 5\n", lengths=lengths, name="fungi_odb10")
    with pytest.raises(errors.InputError, match=reason):
        lineages.read(folder)


def test_cutoffs_that_are_no_text_are_named_with_their_line(tmp_path):
    folder = write_lineage(tmp_path / "l", "1at1 5\n")
    (folder / "scores_cutoff").write_bytes(b"1at1 5\n2at1 \xf0\xff\n")
    with pytest.raises(errors.InputError, match="scores_cutoff:2: not a cut-off"):
        lineages.read(folder)


def test_a_profile_that_is_cut_off_is_said_to_be(sample, ancestral, tmp_path):
    path = tmp_path / "m.hmm"
    path.write_text("".join((sample / "hmms" / "BUSCO_1.hmm").read_text().splitlines(keepends=True)[:100]))
    with pytest.raises(errors.InputError, match=r"m\.hmm: no whole HMMER3 profile"):
        search.profile(path)


def test_a_broken_cutoff_is_named_with_its_line(tmp_path):
    folder = write_lineage(tmp_path / "l", "1at1 5\n2at1 many\n")
    with pytest.raises(errors.InputError, match=r"scores_cutoff:2: .*many"):
        lineages.read(folder)


def test_rules_a_need_lengths(tmp_path):
    lineage = lineages.read(write_lineage(tmp_path / "l", "1at1 5\n"))
    with pytest.raises(errors.InputError, match="--rules B"):
        lineage.check("A")


# --- proteins

@pytest.mark.parametrize("text, reason", [("MKV\n", ":1: no FASTA"), (">a\nMK\n>a\nMV\n", ":3: a second"),
                                          (">\nMK\n", ":1: no name"), (">a\nMK\nM-K\n", ":3: '-' is no amino"),
                                          (">a\nM1K\n", ":2: '1' is no amino")])
def test_a_protein_file_that_is_none_is_refused_with_its_line(tmp_path, text, reason):
    path = tmp_path / "p.faa"
    path.write_text(text)
    with pytest.raises(errors.InputError, match=reason):
        proteins.read(path)


def test_proteins_may_come_from_a_pipe_packed_or_not(tmp_path):
    for pack in (bytes, gzip.compress):
        read, write = os.pipe()
        os.write(write, pack(b">a\nMK V*\n"))
        os.close(write)
        assert proteins.read(f"/dev/fd/{read}") == [("a", "MKV")]
        os.close(read)


def test_what_is_longer_than_any_protein_is_refused_by_name(ancestral):
    with pytest.raises(errors.InputError, match="protein chr1 has 100,001 letters"):
        search.digitise([("chr1", "A" * 100_001)])


def test_only_the_final_stop_goes(tmp_path):
    path = tmp_path / "p.faa"
    path.write_text(">a one\nMk*\nV*\n>b\nM\n")
    assert proteins.read(path) == [("a", "MK*V"), ("b", "M")]


def test_translation_begins_at_the_first_whole_codon(tmp_path):
    genome = tmp_path / "g.fa"
    genome.write_text(">c\nGATGAAATAG\n")
    gff    = tmp_path / "g.gff3"
    gff.write_text("##gff-version 3\nc\tx\tgene\t1\t10\t.\t+\t.\tID=g\nc\tx\tmRNA\t1\t10\t.\t+\t.\tID=t;Parent=g\n"
                   "c\tx\tCDS\t1\t10\t.\t+\t1\tID=d;Parent=t\n")
    assert proteins.translate(gff, genome) == [("t", "MK")]


def test_a_gene_beyond_its_contig_is_named_with_its_line(tmp_path):
    (tmp_path / "g.fa").write_text(">c\nATGAAATAG\n")
    (tmp_path / "g.gff3").write_text("##gff-version 3\nc\tx\tCDS\t4\t12\t.\t+\t0\tID=t\n")
    with pytest.raises(errors.InputError, match=r"g\.gff3, line 2: gene t: .*belong together"):
        proteins.translate(tmp_path / "g.gff3", tmp_path / "g.fa")


def test_the_proteins_are_those_of_extract(shared, tmp_path):
    folder = shared / "genomes" / "C.albicans"
    (tmp_path / "odd.gff3").write_text("c\tx\tCDS\t1\t9\t.\t+\t0\tID=t\nc\tx\tCDS\t20\t28\t.\t-\t0\tID=t\n"
                                       "c\tx\tCDS\t1\t8\t.\t+\t2\tID=u\n")
    (tmp_path / "odd.fa").write_text(">c\n" + "ATGAAATAG" * 5 + "\n")
    for annotation, fasta, code in ((folder / "gff.gz", folder / "fna.gz", 12),
                                    (tmp_path / "odd.gff3", tmp_path / "odd.fa", 1)):
        extract.extract(annotation, fasta, {"proteins": tmp_path / "p.faa"}, genetic_code=code, longest=True)
        # of two stops at an end, a file that is read again loses both
        ours, theirs = ({name: protein.rstrip("*") for name, protein in found}
                        for found in (proteins.translate(annotation, fasta, genetic_code=code),
                                      proteins.read(tmp_path / "p.faa")))
        # extract reads ambiguous codons that mean one amino acid
        assert ours.keys() == theirs.keys()
        assert all(one in (other, "X") for name in ours for one, other in zip(ours[name], theirs[name], strict=True))


# --- the command

def test_the_command_writes_the_three_files_of_busco(run, sample, ancestral, tmp_path):
    code, out, _ = run("eval", "busco", "--proteins", sample / "ancestral", "--lineage", sample, "-o", tmp_path / "o",
                       "--json")
    assert code == 0
    answer = json.loads(out)
    assert answer["counts"] == {"complete": 10, "single": 10, "duplicated": 0, "fragmented": 0, "missing": 0, "n": 10}
    assert answer["rules"] == "B"
    summary = (tmp_path / "o" / "short_summary.txt").read_text()
    assert "\tC:100.0%[S:100.0%,D:0.0%],F:0.0%,M:0.0%,n:10\t   \n" in summary
    table   = (tmp_path / "o" / "full_table.tsv").read_text().splitlines()
    assert table[2] == "# Busco id\tStatus\tSequence\tScore\tLength"
    assert len(table) == 13
    code, _, error = run("eval", "busco", "--proteins", sample / "ancestral", "--lineage", sample, "-o", tmp_path / "o")
    assert code == 1 and "--force" in error


@pytest.mark.parametrize("text, options, warning", [
    ("", (), "no protein at all"), (">a\nM*K\n", (), "1 of 1 proteins have a stop inside"),
    (">chr1:5-60\nMK\n", ("--rules", "A"), "1 proteins are named like NAME:START-END")])
def test_what_may_surprise_is_a_warning(run, sample, ancestral, tmp_path, text, options, warning):
    path = tmp_path / "p.faa"
    path.write_text(text)
    code, out, err = run("eval", "busco", "--proteins", path, "--lineage", sample, "--quiet", "--json", *options)
    assert code == 0 and warning in err and json.loads(out)["counts"]["missing"] == 10


def test_an_annotation_is_translated_first(run, shared, sample, ancestral):
    species      = shared / "genomes" / "S.cerevisiae"
    code, out, _ = run("eval", "busco", species / "gff.gz", species / "fna.gz", "--lineage", sample, "--json")
    assert code == 0
    assert json.loads(out)["proteins"] > 5900


@pytest.mark.parametrize("arguments", [[], ["a.gff3"], ["a.gff3", "g.fa", "--proteins", "p.faa"]])
def test_either_an_annotation_or_proteins(run, arguments):
    code, _, error = run("eval", "busco", *arguments, "--lineage", "x")
    assert code == 2 and "--proteins" in error
