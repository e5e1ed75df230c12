"""Windows for reinforcement: cut as in prediction, balanced, held out as in a bake, the same bytes again."""

import collections
import itertools
import json

import hypothesis as hy
import hypothesis.strategies as st
import numpy as np
import pytest

import genet5.bake as baking
import genet5.data.batch as batching
import genet5.errors as errors
import genet5.genome as genome
import genet5.grpo.prep as prep
import genet5.grpo.species as species
import genet5.grpo.windows as windows

SIZE    = 512
GRAMMAR = {"table_starts": False, "min_intron": 10, "max_intron": 0}


def contents(folder):
    """The bytes of all files of a folder."""

    return {path.name: path.read_bytes() for path in folder.iterdir()}


def touching(raw, name, contig, start, end):
    """Genes of the annotation that touch a window, (strand, segments, valid), in window coordinates."""

    records = genome.read_genes(raw / name / "gff", raw / name / "fna")
    found   = [(record["strand"], genome.segments(record), record["valid"]) for record in records
               if record["contig"] == contig]
    return [(strand, [(a - start, b - start) for a, b in segments], valid) for strand, segments, valid in found
            if segments[0][0] < end and start < segments[-1][1]]


@pytest.fixture(scope="module")
def uncut(raw):
    """Windows that cut no gene, otherwise as `prepared`."""

    prep.prepare([raw], raw.parent / "uncut", raw.parent / "tokenizer.json", count=60, held_out=20, window_size=SIZE,
                 cut_genes=False, empty_share=0.1, val_contigs={"A.toy": ["chr2"], "B.toy": ["chr2"]})
    return raw.parent / "uncut"


@pytest.mark.parametrize("side", [windows.TRAIN, windows.HELD_OUT])
def test_windows_that_cut_no_gene_hold_valid_genes_and_their_letters(raw, uncut, side):
    found    = windows.load(uncut, side)
    settings = json.loads((uncut / windows.CONFIG).read_text())["species"]
    assert len(found) > 10
    for index in range(len(found)):
        one    = settings[found.species[index]]
        contig = one["contigs"][found.contig[index]]
        assert contig == ("chr1" if side == windows.TRAIN else "chr2")
        start, letters = int(found.start[index]), found.bases(index)
        assert letters == genome.open_fasta(raw / one["name"] / "fna").fetch(contig, start, start + SIZE)
        expected = touching(raw, one["name"], contig, start, start + len(letters))
        assert all(valid and segments[0][0] >= 0 and segments[-1][1] <= len(letters)
                   for _, segments, valid in expected)
        assert found.genes(index) == [gene[:2] for gene in expected]


@pytest.mark.parametrize("side", [windows.TRAIN, windows.HELD_OUT])
def test_windows_cut_genes_as_prediction_does_and_label_what_is_left_of_them(raw, prepared, side):
    found    = windows.load(prepared, side)
    settings = json.loads((prepared / windows.CONFIG).read_text())["species"]
    assert json.loads((prepared / windows.CONFIG).read_text())["cut_genes"]
    cut = 0
    for index in range(len(found)):
        one      = settings[found.species[index]]
        touched  = touching(raw, one["name"], one["contigs"][found.contig[index]], int(found.start[index]),
                            int(found.start[index]) + SIZE)
        whole    = [gene[:2] for gene in touched if gene[1][0][0] >= 0 and gene[1][-1][1] <= SIZE]
        expected = np.zeros(SIZE, np.uint8)
        for strand, segments, valid in touched:
            assert valid
            for base, label in spelled(strand, segments):
                if 0 <= base < SIZE:
                    expected[base] = label
        cut += len(touched) - len(whole)
        assert found.genes(index) == whole
        assert found.segmentation(index) == expected.tobytes()
    assert cut > 10


def spelled(strand, segments):
    """Base and label of everything between a gene's start and end; genes of the toy genomes never overlap."""

    coding = [base for start, end in segments for base in range(start, end)]
    for place, base in enumerate(coding if strand == "+" else reversed(coding)):
        yield base, (1 if strand == "+" else 4) + place % 3
    for base in set(range(coding[0], coding[-1])) - set(coding):
        yield base, 7 if strand == "+" else 8


def test_labels_are_those_of_a_bake(raw, tmp_path):
    """The reader's own labels of the same stretch, from the shards."""

    import genet5.data.reader as readers

    baking.bake(raw, tmp_path / "baked", raw.parent / "tokenizer.json", window_size=SIZE, val_share=0.2, seed=5)
    held  = readers.validation(tmp_path / "baked", 0, tokenizer=raw.parent / "tokenizer.json", row_tokens=1024,
                               rows_per_batch=1, crop=SIZE, threads=1)
    known = 0
    for batch in held:
        for name, start, row, base, size in zip(batch["window_names"], batch["window_starts"], batch["window_row"],
                                                batch["window_base"], batch["window_bases"]):
            species_name, contig = name.split(":")[:2]
            genes = [(gene["strand"], genome.segments(gene)) for gene in
                     genome.read_genes(raw / species_name / "gff", raw / species_name / "fna")
                     if gene["contig"] == contig]
            np.testing.assert_array_equal(batching.labels(start, int(size), genes),
                                          batch["labels"][row, base:base + size])
            known += 1
    assert known > 5


def test_samples_are_held_out_stretches_with_all_that_touches_them(raw, prepared):
    samples = json.loads((prepared / "eval.json").read_text())["samples"]
    assert {sample["species"] for sample in samples} == {"A.toy", "B.toy"}
    for sample in samples:
        assert sample["contig"] == "chr2" and len(sample["sequence"]) == sample["end"] - sample["start"]
        touched = touching(raw, sample["species"], "chr2", sample["start"], sample["end"])
        size    = len(sample["sequence"])
        whole   = [(strand, [list(ends) for ends in segments]) for strand, segments, _ in touched
                   if segments[0][0] >= 0 and segments[-1][1] <= size]
        assert [(gene["strand"], gene["segments"]) for gene in sample["genes"]] == whole
        assert len(sample["others"]) == len(touched) - len(whole)
        assert all(0 <= other["start"] < other["end"] <= size for other in sample["others"])


def test_windows_without_a_reference_are_as_many_as_they_occur(raw):
    one     = species.Species(raw / "A.toy", 1, False, [], 0.0, GRAMMAR)
    offered = one.candidates(SIZE // 2, SIZE // 8, 0, False)
    natural = sum(not candidate.genes for candidate in offered) / len(offered)
    taken,  = prep.choose([offered], 40, prep.BALANCES, None, np.random.default_rng(0))
    assert 0.1 < natural < 0.9
    assert sum(not candidate.genes for candidate in taken) == round(40 * natural)


def test_the_same_seed_gives_the_same_bytes(raw, prepared, tmp_path):
    def again(name, **changes):
        options = {"count": 60, "held_out": 20, "window_size": SIZE, "seed": 0,
                   "val_contigs": {"A.toy": ["chr2"], "B.toy": ["chr2"]}, **changes}
        prep.prepare([raw], tmp_path / name, raw.parent / "tokenizer.json", **options)
        return contents(tmp_path / name)

    assert again("same") == contents(prepared)
    assert again("other", seed=1)["train.npz"] != contents(prepared)["train.npz"]


def test_species_folders_may_be_named_one_by_one(raw, prepared, tmp_path):
    options = {"count": 60, "held_out": 20, "window_size": SIZE,
               "val_contigs": {"A.toy": ["chr2"], "B.toy": ["chr2"]}}
    prep.prepare([raw / "B.toy", raw / "A.toy"], tmp_path / "out", raw.parent / "tokenizer.json", **options)
    assert contents(tmp_path / "out") == contents(prepared)
    with pytest.raises(errors.InputError, match="two species of one name"):
        (tmp_path / "A.toy").symlink_to(raw / "B.toy")
        prep.find_species([raw, tmp_path / "A.toy" / ".." / "A.toy"])


def test_statistics_are_those_of_the_arrays(prepared):
    stats = json.loads((prepared / windows.STATS).read_text())
    for side, name in (("train", windows.TRAIN), ("held_out", windows.HELD_OUT)):
        found = windows.load(prepared, name)
        for number, row in enumerate(stats[side].values()):
            own   = np.flatnonzero(found.species == number)
            genes = [found.genes(index) for index in own]
            assert row["windows"] == len(own)
            assert row["genes"] == sum(map(len, genes))
            assert row["tokens"] == found.tokens[own].sum()
            assert row["by_genes"] == collections.Counter(prep._class(prep.GENES, len(g)) if g else "0" for g in genes)
            strands = collections.Counter({"+": "plus", "-": "minus"}.get("".join(sorted({s for s, _ in g})), "both")
                                          if g else "none" for g in genes)
            assert row["by_strand"] == strands
            if side == "train":
                # windows with and without genes are shared out each on their own
                assert abs(row["windows"] - 30) <= 1


def test_the_blocks_of_a_bake_with_the_same_seed_are_held_out(raw, tmp_path):
    baking.bake(raw, tmp_path / "baked", raw.parent / "tokenizer.json", window_size=SIZE, val_share=0.2, seed=5)
    prep.prepare([raw], tmp_path / "out", raw.parent / "tokenizer.json", window_size=SIZE, val_share=0.2, seed=5)
    for number, name in enumerate(("A.toy", "B.toy")):
        stats   = json.loads((tmp_path / "baked" / name / "stats.json").read_text())
        contigs = json.loads((tmp_path / "out" / windows.CONFIG).read_text())["species"][number]["contigs"]
        blocks  = [(contigs.index(contig), start, end) for contig, start, end in stats["held_out_stretches"]]
        for side in (windows.TRAIN, windows.HELD_OUT):
            found = windows.load(tmp_path / "out", side)
            own   = [(found.contig[i], found.start[i], found.start[i] + len(found.bases(i)))
                     for i in range(len(found)) if found.species[i] == number]
            assert own
            for contig, start, end in own:
                inside = any(contig == c and a <= start and end <= b for c, a, b in blocks)
                apart  = all(contig != c or end <= a or b <= start for c, a, b in blocks)
                assert inside if side == windows.HELD_OUT else apart
            if side == windows.HELD_OUT:
                assert all(a[0] != b[0] or a[2] <= b[1] for a, b in itertools.pairwise(own))


def test_a_window_begins_wherever_one_can(raw):
    """Against a search over every base: one candidate in each stride that has a place, and no other."""

    one    = species.Species(raw / "A.toy", 1, False, [], 0.0, GRAMMAR)
    stride = 128
    found  = one.candidates(SIZE, stride, 0, False, cut_genes=False)
    genes  = [(gene.start, gene.end) for gene in one.genes["chr2"]]
    length = dict(one.contigs)["chr2"]
    whole  = [at for at in range(length - SIZE + 1)
              if not any(start < edge < end for edge in (at, at + SIZE) for start, end in genes)]
    mine   = [candidate.start for candidate in found if one.contigs[candidate.contig][0] == "chr2"]
    assert set(mine) <= set(whole)
    assert [at // stride for at in mine] == sorted({at // stride for at in whole})
    assert len(mine) > 5


def test_windows_that_may_cut_genes_have_the_whole_ones_as_references(raw):
    one   = species.Species(raw / "A.toy", 1, False, [], 0.0, GRAMMAR)
    found = one.candidates(SIZE, SIZE, 0, False)
    cut   = 0
    for candidate in found:
        touched  = touching(raw, "A.toy", one.contigs[candidate.contig][0], candidate.start, candidate.end)
        whole    = [(strand, segments) for strand, segments, _ in touched
                    if segments[0][0] >= 0 and segments[-1][1] <= SIZE]
        cut     += len(touched) - len(whole)
        assert whole == [(gene.strand, [(a - candidate.start, b - candidate.start) for a, b in gene.segments])
                         for gene in candidate.genes]
    assert cut > 20 and len(found) >= sum(length // SIZE for _, length in one.contigs)


@hy.given(st.lists(st.tuples(st.integers(-20, 120), st.integers(-20, 120)), max_size=8), st.integers(0, 30),
          st.integers(0, 90), st.integers(1, 40), st.integers(0, 3))
@hy.settings(deadline=None)
def test_places_are_found_as_a_set_finds_them(spans, start, length, stride, seed):
    spans = [(min(span), max(span)) for span in spans]
    free  = set(range(start, start + length)) - {at for span in spans for at in range(*span)}
    found = species.one_in_each(np.array(spans, dtype=np.int64).reshape(-1, 2), start, start + length, stride,
                                np.random.default_rng(seed))
    assert set(found.tolist()) <= free
    assert [(at - start) // stride for at in found.tolist()] == sorted({(at - start) // stride for at in free})


def test_every_place_is_as_probable_as_another():
    forbidden = np.array([(2, 5), (4, 6), (9, 10)])
    counts    = np.zeros(12)
    draw      = np.random.default_rng(0)
    for _ in range(2000):
        counts[species.one_in_each(forbidden, 0, 12, 8, draw)] += 1
    assert not counts[[2, 3, 4, 5, 9]].any()
    np.testing.assert_allclose(counts[[0, 1, 6, 7]] / 2000, 1 / 4, atol=0.05)
    np.testing.assert_allclose(counts[[8, 10, 11]] / 2000, 1 / 3, atol=0.05)


@hy.given(st.integers(0, 60), st.lists(st.integers(0, 20), min_size=1, max_size=6))
def test_numbers_are_shared_out_evenly(total, sizes):
    shares = prep.share_out(total, sizes)
    assert sum(shares) == min(total, sum(sizes))
    assert all(0 <= share <= size for share, size in zip(shares, sizes))
    unfilled = [share for share, size in zip(shares, sizes) if share < size]
    # nobody has less than another but for want of more, and one that does not divide
    assert not unfilled or max(shares) - min(unfilled) <= 1


def made(number, genes, exons=1, strand="+"):
    """A candidate with genes of so many exons."""

    gene = species.Gene(strand, tuple((3 * i, 3 * i + 3) for i in range(exons)), True, True)
    return species.Candidate(0, 100 * number, 100 * number + 100, (gene,) * genes)


@hy.given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9), st.sampled_from("+-")), max_size=40),
          st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9), st.sampled_from("+-")), max_size=40),
          st.integers(1, 60), st.sets(st.sampled_from(prep.BALANCES)), st.sampled_from([None, 0.0, 0.1, 0.5, 1.0]))
@hy.settings(deadline=None)
def test_classes_get_equal_shares_as_far_as_they_go(first, second, count, balance, empty_share):
    offered = [[made(number, *one) for number, one in enumerate(side)] for side in (first, second)]
    taken   = prep.choose(offered, count, balance, empty_share, np.random.default_rng(1))
    for ours, theirs in zip(taken, offered):
        assert len({one.start for one in ours}) == len(ours) and set(ours) <= set(theirs)
    full    = [[one for one in side if one.genes] for side in taken]
    empty   = sum(not one.genes for side in taken for one in side)
    if empty_share is None:
        empty_share = sum(not one.genes for one in offered[0] + offered[1]) / max(1, len(offered[0] + offered[1]))
    assert sum(map(len, taken)) <= count
    if empty and empty_share < 1:
        assert empty <= round(count * empty_share) and empty <= (sum(map(len, full)) + 1) * empty_share / (
            1 - empty_share) + 0.5
    if "species" in balance:
        spare = [len([one for one in side if one.genes]) - len(mine) for side, mine in zip(offered, full)]
        for here, there in ((0, 1), (1, 0)):
            assert not spare[here] or len(full[there]) - len(full[here]) <= 1


def test_mistakes_are_one_line(run, raw, prepared, tmp_path):
    tokenizer = ["--tokenizer", raw.parent / "tokenizer.json"]
    code, _, said = run("prep-grpo", raw, prepared, *tokenizer)
    assert code == 1 and "already holds windows; --force" in said
    code, _, said = run("prep-grpo", raw, tmp_path / "out", *tokenizer, "--val-contigs", "A.toy:chr9")
    assert code == 1 and "A.toy has no contig chr9" in said and "Traceback" not in said
    code, _, said = run("prep-grpo", raw, tmp_path / "out", *tokenizer, "--val-species", "C.toy")
    assert code == 1 and "C.toy is not among the species A.toy, B.toy" in said
    code, _, said = run("prep-grpo", raw, tmp_path / "out", *tokenizer, "--balance", "length")
    assert code == 2 and "length is none of species, genes, exons, strand" in said
    code, _, said = run("bake", raw, prepared, *tokenizer, "--force")
    assert code == 1 and "holds windows of genet5 prep-grpo" in said
    assert run("bake", raw, tmp_path / "baked", *tokenizer)[0] == 0
    code, _, said = run("prep-grpo", raw, tmp_path / "baked", *tokenizer, "--force")
    assert code == 1 and "holds what genet5 bake wrote" in said
    (tmp_path / "empty").mkdir()
    code, _, said = run("prep-grpo", tmp_path / "empty", tmp_path / "out", *tokenizer)
    assert code == 1 and "no folder with fna.gz" in said
    with pytest.raises(errors.DataError, match="holds no windows for reinforcement"):
        windows.load(tmp_path / "empty")


def test_the_table_and_the_json(run, raw, tmp_path):
    arguments = ["prep-grpo", raw, tmp_path / "out", "--tokenizer", raw.parent / "tokenizer.json", "--window-size", 512,
                 "--windows", 40, "--val-species", "B.toy", "--force"]
    code, table, _ = run(*arguments)
    assert code == 0
    assert {tuple(line.split()[:2]) for line in table.splitlines()[2:]} >= {("train", "A.toy"), ("train", "B.toy")}
    code, text, _ = run(*arguments, "--json")
    said = json.loads(text)
    assert code == 0 and said["train"]["A.toy"]["windows"] == 40
    assert said["train"]["B.toy"]["windows"] == 0 < said["held_out"]["B.toy"]["windows"]
    assert said["held_out"]["A.toy"]["windows"] == 0


def test_the_order_of_windows_is_a_new_one_each_epoch_and_resumes(prepared):
    found  = windows.load(prepared)
    source = windows.Source(found, seed=3)
    drawn  = source.take(len(found) + 7)
    state  = source.state()
    rest   = source.take(20)
    first, second = [index for _, index in drawn[:len(found)]], [index for _, index in drawn[len(found):] + rest]
    assert sorted(first) == list(range(len(found))) and first[:27] != second
    assert [number for number, _ in drawn + rest] == list(range(len(found) + 27))
    again  = windows.Source(found, seed=0)
    again.load_state(state)
    assert again.take(20) == rest
    assert again.data_hash == source.data_hash != windows.Source(windows.load(prepared, windows.HELD_OUT), 3).data_hash


def test_a_real_genome(shared, tmp_path):
    raw = shared / "genomes" / "S.cerevisiae"
    if not raw.is_dir():
        pytest.skip("S.cerevisiae is not among the shared genomes")
    import genet5.tokenizer as tk

    tk.train([b"ACGTTGCA" * 2000], vocab_size=32).save(tmp_path / "tokenizer.json")
    stats = prep.prepare([raw], tmp_path / "out", tmp_path / "tokenizer.json", count=300, held_out=20,
                         val_contigs={"S.cerevisiae": ["BK006937.2"]})
    row   = stats["train"]["S.cerevisiae"]
    assert row["windows"] == 300 and set(row["by_genes"]) == {"0", "1", "2", "3", "4+"}
    assert all(row["by_strand"][strand] >= 80 for strand in ("plus", "minus", "both"))
    assert row["by_exons"]["2-3"] > 20
    found = windows.load(tmp_path / "out")
    for index in range(0, 300, 7):
        for strand, segments in found.genes(index):
            assert genome.check(found.bases(index), strand, segments, genetic_code=1, **GRAMMAR) is None
