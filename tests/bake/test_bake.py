"""What `genet5 bake` writes, read with plain Python and compared with a plain derivation."""

import array
import collections
import hashlib
import json
import random
import signal
import subprocess
import sys
import tarfile
import time

import pytest

import genet5.bake as bake
import genet5.errors as errors

SETTINGS = {"window_size": 5000, "val_contigs": {"A.one": ["chr2.1"]}, "val_species": ["B.two"], "eval_samples": 3}


def run(raw, out, **changes):
    return bake.bake(raw, out, raw / "tokenizer.json", **{**SETTINGS, **changes})


def hashes(folder):
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def samples(path):
    """The samples of a tar, key -> extension -> bytes, in order."""

    found = collections.OrderedDict()
    with tarfile.open(path) as tar:
        for member in tar:
            key, _, extension = member.name.partition(".")
            found.setdefault(key, {})[extension] = tar.extractfile(member).read()
            assert member.mtime == 0
    return found


def of_species(folder, name):
    found = {}
    for path in sorted((folder / name).glob("shard_*.tar")):
        found.update(samples(path))
    return found


def metas(found):
    return [json.loads(sample["json"]) for sample in found.values()]


@pytest.fixture(scope="module")
def baked(raw, tmp_path_factory):
    out = tmp_path_factory.mktemp("baked") / "run"
    return out, run(raw[0], out)


def inside(gene, start, end):
    return gene["segments"][0][0] >= start and gene["segments"][-1][1] <= end


def touches(gene, start, end):
    return gene["segments"][0][0] < end and gene["segments"][-1][1] > start


def shifted(gene, start):
    return gene["strand"], [(a - start, b - start) for a, b in gene["segments"]]


def check_sample(synthetic, truth, sample, keep_invalid=False):
    """A sample equals what plain Python derives from the genome and its genes."""

    meta         = json.loads(sample["json"])
    genome, all_ = truth[meta["species"]]
    start, end   = meta["start"], meta["end"]
    letters      = genome[meta["contig"]][start:end]
    near         = [g for g in all_ if g["contig"] == meta["contig"] and touches(g, start, end)]
    targets      = [g for g in near if g["valid"] and inside(g, start, end)]
    assert sample["bases"].decode() == letters
    ids, starts = synthetic.encode(letters)
    assert array.array("I", sample["tokens"]).tolist() == ids
    assert array.array("I", sample["starts"]).tolist() == starts
    assert [g["id"] for g in meta["genes"]] == [g["id"] for g in targets]
    models = [(g["strand"], [tuple(s) for s in g["segments"]]) for g in meta["genes"]]
    assert models == [shifted(g, start) for g in targets]
    assert meta["others"] == [g["id"] for g in near if g not in targets]
    assert sample["steps"].decode() == synthetic.steps([shifted(g, start) for g in targets])
    contig = synthetic.labels(len(genome[meta["contig"]]), [(g["strand"], g["segments"]) for g in near if g["valid"]])
    for gene in near:
        if not gene["valid"]:
            assert keep_invalid
            a, b         = gene["segments"][0][0], gene["segments"][-1][1]
            contig[a:b] = [255] * (b - a)
    assert list(sample["labels"]) == contig[start:end]
    return meta


def test_every_window_equals_a_plain_derivation(baked, raw, synthetic):
    for sample in [*of_species(baked[0], "A.one").values(), *samples(baked[0] / "validation.bin").values()]:
        check_sample(synthetic, raw[1], sample)


def test_kept_invalid_genes_are_unknown_bases_and_no_targets(raw, synthetic, tmp_path):
    stats = run(raw[0], tmp_path / "out", keep_invalid=True, empty_share=1.0)
    found = of_species(tmp_path / "out", "A.one")
    for sample in found.values():
        check_sample(synthetic, raw[1], sample, keep_invalid=True)
    assert stats["A.one"]["train"]["windows_dropped_invalid"] == 0
    assert any(255 in sample["labels"] for sample in found.values())


def test_windows_begin_every_stride_and_the_last_ends_with_the_contig(raw, tmp_path):
    run(raw[0], tmp_path / "out", keep_invalid=True, empty_share=1.0, stride=None)
    windows = collections.defaultdict(list)
    for meta in metas(of_species(tmp_path / "out", "A.one")):
        windows[meta["contig"]].append((meta["start"], meta["end"]))
    length = len(raw[1]["A.one"][0]["chr1.1"])
    stride = round(5000 / 2.718281828459045)
    regular = [(start, start + 5000) for start in range(0, length - 5000, stride)]
    assert windows["chr1.1"] == [*regular, (length - 5000, length)]
    assert windows["chr3.1"][-1][1] == len(raw[1]["A.one"][0]["chr3.1"])
    assert "chr2.1" not in windows


def test_windows_that_touch_an_invalid_gene_are_dropped(baked, raw):
    invalid = [g for g in raw[1]["A.one"][1] if not g["valid"]]
    assert invalid
    for meta in metas(of_species(baked[0], "A.one")):
        assert not any(g["contig"] == meta["contig"] and touches(g, meta["start"], meta["end"]) for g in invalid)


def test_stats_and_gene_index_agree_with_the_windows(baked, raw):
    out, stats = baked
    both = metas({**of_species(out, "A.one"), **samples(out / "validation.bin")})
    kept = [m for m in both if m["species"] == "A.one"]
    held = collections.Counter(g["id"] for m in kept for g in m["genes"])
    index = json.loads((out / "A.one" / "gene_index.json").read_text())["genes"]
    truth = {g["id"]: g for g in raw[1]["A.one"][1]}
    assert {g["id"] for g in index} == set(truth)
    for gene in index:
        plain = truth[gene["id"]]
        assert (gene["contig"], gene["strand"], gene["valid"]) == (plain["contig"], plain["strand"], plain["valid"])
        assert [tuple(s) for s in gene["segments"]] == plain["segments"]
        assert gene["windows"] == held[gene["id"]]
        assert gene["split"] == ("held_out" if gene["contig"] == "chr2.1" else "train")
        assert (gene["reason"] is None) == gene["valid"]
    train = stats["A.one"]["train"]
    fit   = [g for g in index if g["split"] == "train" and g["valid"]]
    assert train["genes"] == len(fit)
    assert train["genes_in_no_window"] == sum(g["windows"] == 0 for g in fit)
    assert train["targets"] == sum(g["windows"] for g in fit)
    assert stats["A.one"]["genes"]["invalid"] == dict(collections.Counter(g["reason"] for g in index if not g["valid"]))
    assert json.loads((out / "A.one" / "stats.json").read_text()) == stats["A.one"]
    labels = collections.Counter(b for s in of_species(out, "A.one").values() for b in s["labels"])
    assert stats["A.one"]["shards"]["labels"]["intergenic"] == labels[0]
    assert stats["A.one"]["shards"]["labels"]["codon2_minus"] == labels[5]


def test_no_base_of_what_is_held_out_is_trained_on(baked):
    out, _ = baked
    assert {m["contig"] for m in metas(of_species(out, "A.one"))} == {"chr1.1", "chr3.1"}
    assert not list((out / "B.two").glob("shard_*"))
    held = metas(samples(out / "validation.bin"))
    places = {(m["species"], m["contig"]) for m in held}
    assert places == {("A.one", "chr2.1"), ("B.two", "chr1.1"), ("B.two", "chr2.1")}


@pytest.mark.parametrize(("length", "share"), [(60_000, 0.1), (60_000, 0.001), (2000, 0.5)])
def test_blocks_of_a_small_genome_are_small(synthetic, tmp_path, length, share):
    synthetic.species(tmp_path / "raw" / "S.small", 6, [length], invalid_share=0)
    synthetic.tokenizer(tmp_path / "raw" / "tokenizer.json")
    stats = run(tmp_path / "raw", tmp_path / "out", val_contigs=None, val_species=(), val_share=share)["S.small"]
    block = min(200_000, max(5000, int(share * stats["bases"])))
    assert stats["held_out"]["bases"] in (block, stats["bases"] % block, block + stats["bases"] % block)
    assert stats["train"]["bases"] > 0


@pytest.mark.parametrize(("share", "block"), [(0.5, 200_000), (0.05, None)])
def test_held_out_blocks_lie_outside_every_training_window(synthetic, tmp_path, share, block):
    synthetic.species(tmp_path / "raw" / "C.three", 3, [450_000], invalid_share=0)
    synthetic.tokenizer(tmp_path / "raw" / "tokenizer.json")
    options = {"window_size": 20000, "val_contigs": None, "val_species": ()}
    if share != bake.VAL_SHARE:
        options["val_share"] = share
    stats  = run(tmp_path / "raw", tmp_path / "out", **options)["C.three"]
    blocks = stats["held_out_stretches"]
    block  = block or int(share * stats["bases"])
    assert blocks and all(start % block == 0 for _, start, _ in blocks)
    assert share * stats["bases"] <= stats["held_out"]["bases"] <= share * stats["bases"] + block
    for meta in metas(of_species(tmp_path / "out", "C.three")):
        assert all(meta["end"] <= start or meta["start"] >= end for _, start, end in blocks)
    for meta in metas(samples(tmp_path / "out" / "validation.bin")):
        assert any(start <= meta["start"] and meta["end"] <= end for _, start, end in blocks)
    other = run(tmp_path / "raw", tmp_path / "other", **{**options, "val_share": 0.05, "seed": 5})["C.three"]
    assert other["held_out_stretches"] != blocks


def test_empty_windows_are_kept_up_to_their_share(synthetic, tmp_path):
    folder = tmp_path / "raw" / "D.four"
    _, genes = synthetic.species(folder, 4, [40_000], invalid_share=0)
    genes = genes[:3]
    (folder / "gff.gz").unlink()
    (folder / "gff").write_text("##gff-version 3\n" + "".join(map(synthetic.rows, genes)))
    synthetic.tokenizer(tmp_path / "raw" / "tokenizer.json")
    for share in (0.0, 0.3, 1.0):
        train = run(tmp_path / "raw", tmp_path / f"out{share}", window_size=2000, empty_share=share, val_contigs=None,
                    val_species=(), val_share=0.0)["D.four"]["train"]
        full  = train["windows"] - train["windows_without_gene"]
        empty = {0.0: 0, 0.3: round(full * 0.3 / 0.7), 1.0: train["windows_cut"] - full}[share]
        assert train["windows_without_gene"] == empty


def test_eval_samples_are_the_richest_held_out_windows(baked, raw, synthetic):
    out, _   = baked
    held     = samples(out / "validation.bin")
    document = json.loads((out / "eval.json").read_text())
    for name in ("A.one", "B.two"):
        counts = sorted((len(m["genes"]) for m in metas(held) if m["species"] == name), reverse=True)
        found  = [s for s in document["samples"] if s["species"] == name]
        assert sorted((len(s["genes"]) for s in found), reverse=True) == [c for c in counts[:3] if c]
    for sample in document["samples"]:
        meta = json.loads(held[sample["key"]]["json"])
        assert sample["sequence"] == held[sample["key"]]["bases"].decode()
        assert sample["genes"] == meta["genes"]
        assert sample["steps"] == held[sample["key"]]["steps"].decode()
        assert [o["id"] for o in sample["others"]] == meta["others"]
        assert all(0 <= o["start"] < o["end"] <= len(sample["sequence"]) for o in sample["others"])


def test_the_index_says_where_each_member_lies(baked):
    for path in [*(baked[0] / "A.one").glob("*.tar"), baked[0] / "validation.bin"]:
        index = json.loads(path.with_suffix(".idx").read_text())
        data  = path.read_bytes()
        found = samples(path)
        assert index["tar"] == path.name and index["bytes"] == len(data)
        assert [entry["key"] for entry in index["samples"]] == list(found)
        for entry in index["samples"]:
            for name, (offset, length) in zip(index["files"], entry["files"]):
                assert data[offset:offset + length] == found[entry["key"]][name]
            assert entry["bases"] == len(found[entry["key"]]["bases"])
            assert entry["tokens"] == len(found[entry["key"]]["tokens"]) // 4


# webdataset leaves its file to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_shards_open_in_webdataset(baked):
    webdataset = pytest.importorskip("webdataset")
    path       = next((baked[0] / "A.one").glob("*.tar"))
    found      = samples(path)
    for sample in webdataset.WebDataset(str(path), shardshuffle=False):
        plain = found.pop(sample["__key__"])
        assert {name: sample[name] for name in plain} == plain
    assert not found


def test_any_number_of_threads_writes_the_same_bytes(baked, raw, tmp_path):
    for threads in (1, 3):
        run(raw[0], tmp_path / str(threads), threads=threads)
        assert hashes(tmp_path / str(threads)) == hashes(baked[0])


def test_a_finished_bake_is_left_alone(raw, tmp_path):
    run(raw[0], tmp_path / "out")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    again = bake.Bake(raw[0], tmp_path / "out", raw[0] / "tokenizer.json", **SETTINGS)
    assert again.is_finished()
    assert not any(again.bake(index)[0] for index in range(2))
    again.finish()
    assert times == {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}


def test_another_configuration_is_refused_and_force_starts_over(raw, baked, tmp_path):
    run(raw[0], tmp_path / "out", seed=9)
    (tmp_path / "out" / "A.one" / "mine.txt").write_text("kept")
    with pytest.raises(ValueError, match="--force"):
        run(raw[0], tmp_path / "out")
    run(raw[0], tmp_path / "out", force=True)
    assert (tmp_path / "out" / "A.one" / "mine.txt").read_text() == "kept"
    (tmp_path / "out" / "A.one" / "mine.txt").unlink()
    assert hashes(tmp_path / "out") == hashes(baked[0])


def test_a_request_that_failed_at_once_binds_nobody(raw, baked, tmp_path):
    with pytest.raises(ValueError, match="chrX"):
        run(raw[0], tmp_path / "out", val_contigs={"A.one": ["chrX"]})
    run(raw[0], tmp_path / "out")
    assert hashes(tmp_path / "out") == hashes(baked[0])


def test_several_processes_may_begin_the_same_bake(raw, baked, tmp_path):
    """Each takes a species, as on machines that share the folder; one that begins leaves what others write alone."""

    folder, out = raw[0], tmp_path / "out"
    first = bake.Bake(folder, out, folder / "tokenizer.json", **SETTINGS)
    (out / first.species[0]).mkdir()
    under_way = out / first.species[0] / "shard_000.tar.tmp"
    under_way.write_text("half a shard of another process")
    other = bake.Bake(folder, out, folder / "tokenizer.json", **SETTINGS)
    assert under_way.exists()
    for index in range(len(first.species)):
        (first, other)[index % 2].bake(index)
    other.finish()
    assert hashes(out) == hashes(baked[0])


@pytest.mark.parametrize("count", [1, 2, 5, 40])
def test_portions_of_contigs_join_to_the_same_bytes(raw, baked, tmp_path, count):
    """Baked in any order by any number of processes, one of them killed half-way and another one doing it again."""

    folder, out = raw[0], tmp_path / "out"
    workers     = [bake.Bake(folder, out, folder / "tokenizer.json", **SETTINGS) for _ in range(3)]
    tasks       = [(index, portion) for index in range(2) for portion in range(count)]
    random.Random(count).shuffle(tasks)
    half = out / "portions.tmp" / "A.one" / f"train_00_of_{count}.7-7"
    half.mkdir(parents=True)
    (half / "samples.tar.tmp").write_bytes(b"half a portion")
    with pytest.raises(OSError, match=r"portions\.tmp"):
        workers[0].join(0, count)
    for number, task in enumerate([*tasks, *tasks[:2]]):
        workers[number % 3].bake_portion(*task, count)
    stats = [workers[0].join(index, count) for index in range(2)]
    workers[0].finish()
    assert [baked for baked, _ in stats] == [True, True]
    assert [found for _, found in stats] == list(baked[1].values())
    assert hashes(out) == hashes(baked[0])
    assert workers[1].portions(0) == 0 and workers[0].join(0, count) == (False, stats[0][1])


def test_a_portion_left_over_does_not_outlive_another_configuration(raw, baked, tmp_path):
    folder, out = raw[0], tmp_path / "out"
    other       = bake.Bake(folder, out, folder / "tokenizer.json", **{**SETTINGS, "seed": 9})
    assert other.portions(0) == 1
    other.bake_portion(0, 0, 1)
    run(folder, out)
    assert hashes(out) == hashes(baked[0])
    with pytest.raises(ValueError, match="no portion 3 of 3"):
        other.bake_portion(0, 3, 3)


def test_one_part_at_a_time_gives_the_same_files(raw, baked, tmp_path):
    run(raw[0], tmp_path / "out", eval=False)
    assert not (tmp_path / "out" / "validation.bin").exists()
    run(raw[0], tmp_path / "out", train=False)
    assert hashes(tmp_path / "out") == hashes(baked[0])


def test_a_bake_stopped_anywhere_ends_with_the_same_bytes(raw, baked, tmp_path):
    whole = bake.Bake(raw[0], tmp_path / "out", raw[0] / "tokenizer.json", **SETTINGS)
    whole.bake(0)
    for name in ("stats.json", "shard_000.idx"):
        (tmp_path / "out" / "A.one" / name).unlink()
    (tmp_path / "out" / "A.one" / "shard_007.tar.tmp").write_bytes(b"half")
    run(raw[0], tmp_path / "out")
    assert hashes(tmp_path / "out") == hashes(baked[0])
    (tmp_path / "out" / "eval.json").unlink()
    run(raw[0], tmp_path / "out")
    assert hashes(tmp_path / "out") == hashes(baked[0])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_a_killed_bake_goes_on(synthetic, tmp_path, number, code):
    for i in range(2):
        synthetic.species(tmp_path / "raw" / f"K.{i}", 10 + i, [120_000], invalid_share=0)
    synthetic.tokenizer(tmp_path / "raw" / "tokenizer.json")
    command = [sys.executable, "-m", "genet5", "bake", str(tmp_path / "raw"), str(tmp_path / "out"), "--tokenizer",
               str(tmp_path / "raw"), "--window-size", "3000", "--stride", "50", "--val-contigs", "K.1:chr1.1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (tmp_path / "out" / "K.0").exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(number)
    assert process.wait() == code
    assert not (tmp_path / "out" / "eval.json").exists()
    subprocess.run(command, check=True, capture_output=True)
    run(tmp_path / "raw", tmp_path / "straight", window_size=3000, stride=50, val_contigs={"K.1": ["chr1.1"]},
        val_species=(), eval_samples=32)
    assert hashes(tmp_path / "out") == hashes(tmp_path / "straight")


@pytest.mark.parametrize(("changes", "message"), [
    ({"species": ["Z.none"]}, "no species Z.none"),
    ({"val_species": ["Z.none"]}, "--val-species: Z.none"),
    ({"val_contigs": {"A.one": ["chrX"]}}, "no contig chrX"),
    ({"genetic_codes": {"A.one": 99}}, "genetic code 99"),
    ({"stride": 6000}, "stride 6000"),
    ({"grammar": {"min_intron": 0}}, "min_intron|intron"),
])
def test_impossible_requests_are_refused_in_one_line(raw, tmp_path, changes, message):
    with pytest.raises((ValueError, errors.InputError), match=message) as caught:
        run(raw[0], tmp_path / "out", **changes)
    assert "\n" not in str(caught.value)


def test_a_gene_on_a_contig_without_sequence_is_an_error_with_its_line(raw, synthetic, tmp_path):
    folder = tmp_path / "raw" / "E.five"
    _, genes = synthetic.species(folder, 5, [20_000])
    (folder / "gff.gz").unlink()
    (folder / "gff").write_text("##gff-version 3\n" + synthetic.rows({**genes[0], "contig": "chr9"}))
    with pytest.raises(errors.InputError, match=r"line 2.*chr9"):
        bake.bake(tmp_path / "raw", tmp_path / "out", raw[0] / "tokenizer.json")


def test_yeast_bakes_within_seconds(shared, tmp_path, capsys):
    began = time.perf_counter()
    held  = ["BK006937.2", "BK006939.2", "BK006944.2"]
    stats = bake.bake(shared / "genomes", tmp_path / "out", shared / "dnabert2", species=["S.cerevisiae"],
                      val_contigs={"S.cerevisiae": held})["S.cerevisiae"]
    with capsys.disabled():
        print(f"\nS. cerevisiae baked in {time.perf_counter() - began:.1f} s")
    assert stats["genes"]["coding"] == 5989 and stats["genes"]["valid"] > 5900
    assert stats["train"]["windows"] > 1000 and stats["held_out"]["genes"] > 700
    assert {m["contig"] for m in metas(samples(tmp_path / "out" / "validation.bin"))} == set(held)
