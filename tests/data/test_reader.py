"""Reading a baked folder: every window once an epoch, exact resume, the same windows on any number of processes."""

import json
import pathlib
import shutil
import tarfile

import numpy as np
import pytest

import genet5.bake as bake
import genet5.data.reader as reader
import genet5.errors as errors

OPTIONS = {"row_tokens": 3000, "rows_per_batch": 2, "crop": 2500, "seed": 7}


def equal(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


def samples(baked, pattern="*/shard_*.tar"):
    """key -> (meta, letters, labels) of all samples, read plainly."""

    found = {}
    for path in sorted(pathlib.Path(baked).glob(pattern)):
        with tarfile.open(path) as tar:
            files = {member.name: tar.extractfile(member).read() for member in tar}
        for name in files:
            key, _, extension = name.partition(".")
            if extension == "json":
                found[key] = (json.loads(files[name]), files[f"{key}.bases"].decode(), files[f"{key}.labels"])
    return found


def plain_part(synthetic, sample, offset, bases, flip):
    """Letters, target genes (strand, segments) and labels of a part of a window on one strand."""

    meta, letters, labels = sample
    end    = offset + bases
    genes  = [(g["strand"], [(a - offset, b - offset) for a, b in g["segments"]]) for g in meta["genes"]
              if g["segments"][0][0] >= offset and g["segments"][-1][1] <= end]
    labels = list(labels[offset:end])
    if not flip:
        return letters[offset:end], genes, labels
    turn   = {1: 4, 2: 5, 3: 6, 4: 1, 5: 2, 6: 3, 7: 8, 8: 7}
    genes  = [("-" if s == "+" else "+", [(bases - b, bases - a) for a, b in reversed(segments)])
              for s, segments in genes]
    return synthetic.reverse_complement(letters[offset:end]), genes, [turn.get(x, x) for x in reversed(labels)]


def letters_of(arrays, w):
    row, base, bases = (int(arrays[k][w]) for k in ("window_row", "window_base", "window_bases"))
    return "".join("ACGTN"[c] for c in arrays["bases"][row, base:base + bases]), slice(base, base + bases), row


def steps_of(arrays, w):
    kinds = ["<eos>", "<stop+>", "<stop->", "<acceptor>", "<donor>", "<start>"]
    pairs = list(zip(arrays["step_type"][w], arrays["step_position"][w]))[:arrays["step_count"][w]]
    return " ".join("<eos>" if k == 0 else f"{kinds[k]}{p}" for k, p in pairs)


@pytest.mark.parametrize("crop", [None, 2500])
def test_an_epoch_reads_every_window_once_and_as_planned(baked, synthetic, crop):
    options = {**OPTIONS, "crop": crop, "row_tokens": 6000}
    read    = reader.Reader(baked, **options)
    plan    = read.plan(0)
    found   = samples(baked)
    assert sorted(read.keys) == sorted(found)
    assert sorted(plan["window"]) == list(range(len(found)))
    assert 0 < plan["flip"].mean() < 1
    masked = 0
    for number in range(len(read)):
        arrays = read.next_batch()
        items  = np.flatnonzero(plan["batch"] == number)
        parts  = [plain_part(synthetic, found[read.keys[plan["window"][i]]],
                             *(int(plan[k][i]) for k in ("offset", "bases", "flip"))) for i in items]
        left   = {letters: (genes, labels) for letters, genes, labels in parts}
        assert len(left) == len(arrays["window_row"])
        for w in range(len(left)):
            letters, where, row = letters_of(arrays, w)
            genes, labels       = left.pop(letters)
            assert arrays["labels"][row, where].tolist() == labels
            assert steps_of(arrays, w) == synthetic.steps(genes)
            assert arrays["window_tokens"][w] == len(synthetic.encode(letters)[0])
        masked += (arrays["allowed_target"] < 0).sum()
    assert masked == 0
    assert read.state() == {"epoch": 0, "seed": 7, "consumed": len(read)}


def test_rows_are_packed_by_the_longer_strand(baked, synthetic):
    read  = reader.Reader(baked, **OPTIONS)
    plan  = read.plan(3)
    found = samples(baked)
    for i in range(len(plan["window"])):
        offset  = plan["offset"][i]
        letters = found[read.keys[plan["window"][i]]][1][offset:offset + plan["bases"][i]]
        both    = (letters, synthetic.reverse_complement(letters))
        assert plan["tokens"][i] == max(len(synthetic.encode(text)[0]) for text in both)
    assert max(plan["tokens"][plan["row"] == row].sum() for row in set(plan["row"])) <= 3000


def test_parts_begin_anywhere_and_epochs_differ(baked):
    read   = reader.Reader(baked, **OPTIONS)
    first, second, again = read.plan(0), read.plan(1), reader.Reader(baked, **OPTIONS).plan(1)
    assert equal(second, again)
    assert not np.array_equal(first["offset"], second["offset"])
    assert len(set(first["offset"])) > len(first["offset"]) // 2
    assert not equal(reader.Reader(baked, **{**OPTIONS, "seed": 8}).plan(0), first)
    assert not reader.Reader(baked, reverse_complement=False, **OPTIONS).plan(0)["flip"].any()


def test_a_resumed_reader_goes_on_exactly(baked):
    straight = reader.Reader(baked, **OPTIONS)
    batches  = [straight.next_batch() for _ in range(len(straight) + 3)]
    assert straight.state()["epoch"] == 1
    for stop in (0, 2, len(straight), len(straight) + 1):
        before = reader.Reader(baked, **OPTIONS)
        for _ in range(stop):
            before.next_batch()
        after = reader.Reader(baked, **{**OPTIONS, "seed": 0})
        after.next_batch()
        after.load_state(before.state())
        for wanted in batches[stop:]:
            assert equal(after.next_batch(), wanted)
        assert after.state() == straight.state()


def test_processes_share_a_global_batch(baked):
    alone = reader.Reader(baked, **{**OPTIONS, "rows_per_batch": 4})
    pair  = [reader.Reader(baked, rank=rank, world=2, **OPTIONS) for rank in range(2)]
    assert len(alone) == len(pair[0]) == len(pair[1])
    for _ in range(len(alone) + 2):
        whole = alone.next_batch()
        parts = [part.next_batch() for part in pair]
        names = [[letters_of(arrays, w)[0] for w in range(len(arrays["window_row"]))] for arrays in (whole, *parts)]
        assert names[0] == names[1] + names[2]
        assert names[1] and names[2]
        assert alone.state() == pair[0].state() == pair[1].state()


def test_batches_are_equally_large_and_rows_are_cut_for_many_processes(baked):
    plan  = reader.Reader(baked, **OPTIONS).plan(0)
    sizes = [len(set(plan["row"][plan["batch"] == b])) for b in range(plan["batch"].max() + 1)]
    assert max(sizes) - min(sizes) <= 1 and max(sizes) <= 2
    many  = [reader.Reader(baked, rank=rank, world=3, row_tokens=100_000, rows_per_batch=1) for rank in range(3)]
    parts = [part.next_batch() for part in many]
    assert len(many[0]) == 1 and all(len(arrays["window_row"]) for arrays in parts)
    assert sum(len(arrays["window_row"]) for arrays in parts) == len(many[0].keys)


def test_too_few_windows_for_the_processes_is_said(baked):
    many = reader.Reader(baked, rank=0, world=500, row_tokens=100_000, rows_per_batch=1)
    with pytest.raises(ValueError, match="too few for 500 processes"):
        many.next_batch()


def test_threads_change_nothing(baked):
    one, three = (reader.Reader(baked, threads=n, **OPTIONS) for n in (1, 3))
    for _ in range(3):
        assert equal(one.next_batch(), three.next_batch())


def test_each_species_has_its_own_genetic_code(baked):
    read  = reader.Reader(baked, **OPTIONS)
    codes = set()
    for _ in range(len(read)):
        arrays = read.next_batch()
        for name, code in zip(arrays["window_names"], arrays["window_genetic_code"]):
            codes.add((name.partition(":")[0], int(code)))
    assert codes == {("A.one", 1), ("B.two", 12)}


def test_species_can_be_chosen_and_the_hash_tells(baked):
    both, one = reader.Reader(baked, **OPTIONS), reader.Reader(baked, species=["B.two"], **OPTIONS)
    assert {key.split("-")[0] for key in one.keys} == {"B_two"}
    assert both.data_hash == reader.Reader(baked, **OPTIONS).data_hash != one.data_hash
    with pytest.raises(ValueError, match=r"Z.none was not baked; there are A.one, B.two"):
        reader.Reader(baked, species=["Z.none"])


def test_another_tokenizer_may_read_the_same_windows(baked, tmp_path, synthetic):
    document = json.loads((baked / "tokenizer.json").read_text())
    document["model"]["merges"] = document["model"]["merges"][:16]
    for token in ("ATAT", "GCA", "TTT", "ATATGC"):
        del document["model"]["vocab"][token]
    names = sorted(document["model"]["vocab"], key=document["model"]["vocab"].get)
    document["model"]["vocab"] = {name: i for i, name in enumerate(names)}
    for token in document["added_tokens"]:
        token["id"] = names.index(token["content"])
    (tmp_path / "tokenizer.json").write_text(json.dumps(document))
    options = {**OPTIONS, "crop": None, "row_tokens": 6000}
    other   = reader.Reader(baked, tokenizer=tmp_path / "tokenizer.json", **options)
    own     = reader.Reader(baked, **options)
    assert other.data_hash != own.data_hash
    assert (other.plan(0)["tokens"] >= own.plan(0)["tokens"]).all()
    arrays = other.next_batch()
    assert arrays["tokens"].max() < len(names)


def test_validation_reads_each_held_out_base_once_as_it_lies(baked, synthetic):
    found = samples(baked, "validation.bin")
    held  = reader.Validation(baked, row_tokens=3000, rows_per_batch=2, crop=2500)
    parts = {}
    for arrays in held:
        for w in range(len(arrays["window_row"])):
            letters, where, row = letters_of(arrays, w)
            parts[letters]      = (arrays["labels"][row, where].tolist(), steps_of(arrays, w))
    assert sorted(held.keys) == sorted(found)
    wanted = {}
    for sample in found.values():
        for offset in range(0, len(sample[1]), 2500):
            letters, genes, labels = plain_part(synthetic, sample, offset, min(2500, len(sample[1]) - offset), False)
            wanted[letters]        = (labels, synthetic.steps(genes))
    assert parts == wanted


def test_validation_batches_are_drawn_evenly_and_shared(baked):
    options = {"row_tokens": 1500, "rows_per_batch": 1, "crop": 1200}
    whole   = reader.validation(baked, **options)
    assert len(whole) == len(reader.Validation(baked, **options)) > 4
    assert len(reader.validation(baked, most=3, **options)) == 3
    parts   = [reader.validation(baked, rank=rank, world=2, **options) for rank in range(2)]
    counts  = [sum(len(arrays["window_row"]) for arrays in batches) for batches in (whole, *parts)]
    assert counts[0] == counts[1] + counts[2]


def test_a_window_longer_than_a_row_is_said_with_what_to_do(baked):
    with pytest.raises(ValueError, match="use longer rows or crop"):
        reader.Reader(baked, row_tokens=100)


def test_a_part_full_of_unknown_bases_is_cut_to_fit_a_row(synthetic, tmp_path):
    folder = tmp_path / "raw" / "N.run"
    genome, _ = synthetic.species(folder, 31, [6000], invalid_share=0)
    text      = genome["chr1.1"]
    (folder / "fna.gz").unlink()
    (folder / "fna").write_text(f">chr1.1\n{text}{'N' * 6000}\n")
    synthetic.tokenizer(tmp_path / "raw" / "tokenizer.json")
    for share in (0.0, 1.0):
        out = tmp_path / f"out{share}"
        bake.bake(tmp_path / "raw", out, tmp_path / "raw", window_size=100_000, val_species=["N.run"] if share else [],
                  val_share=0.0)
        read   = reader.Validation(out, row_tokens=7000) if share else reader.Reader(out, row_tokens=7000)
        arrays = read[0] if share else read.next_batch()
        assert len(text) < arrays["window_bases"][0] < len(text) + 6000
        assert 6000 < arrays["window_tokens"][0] <= 7000
        with pytest.raises(ValueError, match="use longer rows or crop"):
            (reader.Validation if share else reader.Reader)(out, row_tokens=2000)


def test_damaged_and_missing_files_are_said(baked, tmp_path):
    with pytest.raises(FileNotFoundError):
        reader.Reader(tmp_path)
    shutil.copytree(baked, tmp_path / "copy")
    shard = tmp_path / "copy" / "A.one" / "shard_000.tar"
    shard.write_bytes(shard.read_bytes()[:-1024])
    with pytest.raises(errors.InputError, match="do not belong together"):
        reader.Reader(tmp_path / "copy")
    (tmp_path / "copy" / "A.one" / "stats.json").unlink()
    with pytest.raises(errors.InputError, match="run genet5 bake again"):
        reader.Reader(tmp_path / "copy")


def test_no_window_is_an_error_only_when_one_is_asked_for(baked):
    empty = reader.Validation(baked, species=["B.two"])
    assert len(empty) == 0 and reader.validation(baked, species=["B.two"]) == []
