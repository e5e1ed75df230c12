"""FASTA in every dress, whole and by range."""

import gzip
import os
import pathlib
import random
import shutil
import subprocess
import tempfile

import hypothesis
import hypothesis.strategies as st
import pytest

import genet5.errors as errors
import genet5.genome as gm

TEXT = b">one first\nACGTacgtNN\nRYKM\n\n>two\tx\nuuGG\n>empty\n>last\nA"
READ = [("one", b"ACGTACGTNNRYKM"), ("two", b"TTGG"), ("empty", b""), ("last", b"A")]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("last", [b"", b"\n", b"\n\n"])
def test_line_ends_do_not_matter(tmp_path, end, last):
    path = tmp_path / "x.fna"
    path.write_bytes((TEXT + last).replace(b"\n", end))
    assert gm.read_fasta(path) == READ


def test_gzip_of_several_members_is_recognised_by_content(tmp_path):
    path = tmp_path / "named_like_nothing"
    path.write_bytes(gzip.compress(TEXT[:20]) + gzip.compress(b"") + gzip.compress(TEXT[20:]))
    assert gm.read_fasta(path) == READ


@pytest.mark.skipif(shutil.which("bgzip") is None, reason="bgzip is not installed")
def test_bgzip(tmp_path):
    path = tmp_path / "x.fna"
    path.write_bytes(b">big\n" + b"ACGTTGCAAC\n" * 20000 + TEXT)
    subprocess.run(["bgzip", path], check=True)
    assert gm.read_fasta(path.with_suffix(".fna.gz")) == [("big", b"ACGTTGCAAC" * 20000), *READ]


@pytest.mark.parametrize(("text", "line", "words"), [
    (b"", None, "no sequence"),
    (b"\n\n", None, "no sequence"),
    (b"ACGT\n", 1, "before the first"),
    (b">a\nAC\n>b\nA\n>a\nC", 5, "'a' is there twice (first in line 1)"),
    (b">a\nACGT\nAC!T", 3, "'!'"),
    (b">a\nMEDL", 2, "not protein"),
    (b">a\nAC--GT", 2, "gaps"),
    (b">a\nAC>GT", 2, "'>'"),
    (b">\nACGT", 1, "without a name"),
    (b">a\n" + b"ACGT\n" * 20000 + b"Q", 20002, "'Q'"),
])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_faults_name_file_and_line(tmp_path, text, line, words, pack):
    path = tmp_path / "x.fna"
    path.write_bytes(pack(text))
    for read in (gm.read_fasta, lambda path: [f.fetch(n) for f in [gm.open_fasta(path)] for n, _ in f.contigs()]):
        with pytest.raises(errors.InputError) as caught:
            read(path)
        assert words in str(caught.value) and "x.fna" in str(caught.value) and caught.value.line == line


def test_a_cut_off_gzip_file_is_refused(tmp_path):
    path = tmp_path / "x.fna.gz"
    path.write_bytes(gzip.compress(b">a\n" + bytes(random.Random(1).choices(b"ACGT", k=9999)))[:-1000])
    with pytest.raises(errors.InputError, match="cut-off"):
        gm.read_fasta(path)
    with pytest.raises(FileNotFoundError):
        gm.read_fasta(tmp_path / "absent")


RECORDS = st.lists(st.text("ACGTNacgtnRyUx", max_size=200), min_size=1, max_size=5)


@hypothesis.given(RECORDS, st.integers(1, 70), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.data())
@hypothesis.settings(max_examples=60, deadline=None)
def test_ranges_are_slices_of_the_whole(records, width, end, last, data):
    lines = []
    for i, record in enumerate(records):
        lines += [f">r{i} x", *(record[at:at + width] for at in range(0, len(record), width))]
    expected = [(f"r{i}", r.upper().replace("U", "T").encode()) for i, r in enumerate(records)]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "x.fna"
        path.write_text(end.join(lines) + (end if last else ""), newline="")
        assert gm.read_fasta(path) == expected
        # the second time from the index that the first has written
        for _ in range(2):
            fasta = gm.open_fasta(path)
            assert fasta.contigs() == [(name, len(letters)) for name, letters in expected]
            for name, letters in expected:
                start = data.draw(st.integers(0, len(letters)))
                stop  = data.draw(st.integers(start, len(letters)))
                assert fasta.fetch(name, start, stop) == letters[start:stop]
                assert fasta.fetch(name) == letters


def test_ranges_and_index_agree_with_pyfaidx(tmp_path, shared):
    pyfaidx = pytest.importorskip("pyfaidx")
    path = tmp_path / "x.fna"
    path.write_bytes(gzip.decompress((shared / "genomes" / "A.thaliana" / "fna.gz").read_bytes()))
    ours = gm.open_fasta(path)
    mine = (tmp_path / "x.fna.fai").read_text()
    (tmp_path / "x.fna.fai").unlink()
    theirs = pyfaidx.Fasta(str(path), sequence_always_upper=True)
    assert (tmp_path / "x.fna.fai").read_text() == mine
    dice = random.Random(7)
    for name, length in ours.contigs():
        for _ in range(20):
            start = dice.randrange(length)
            stop  = min(length, start + dice.randrange(300))
            assert ours.fetch(name, start, stop).decode() == str(theirs[name][start:stop])
    theirs.close()


def test_an_index_that_does_not_fit_is_made_anew(tmp_path):
    path, fai = tmp_path / "x.fna", tmp_path / "x.fna.fai"
    path.write_text(">a\nACGT\nAC\n")
    gm.open_fasta(path)
    first = fai.read_text()
    assert first == "a\t6\t3\t4\t5\n"
    # older than the file
    path.write_text(">a\nACGTA\nAC\n")
    os.utime(fai, (1, 1))
    assert gm.open_fasta(path).fetch("a") == b"ACGTAAC"
    # newer, and wrong
    rows = ["7\t3\t5", "7\t3\t0\t0", "7\t99\t5\t6", f"{2**64 - 1}\t3\t5\t6", f"7\t3\t5\t{2**64 - 1}"]
    for wrong in (first, "garbage\n", "", "b\t7\t3\t5\t6\n", *(f"a\t{row}\n" for row in rows)):
        fai.write_text(wrong)
        assert gm.open_fasta(path).fetch("a") == b"ACGTAAC"
        assert fai.read_text() == "a\t7\t3\t5\t6\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.fna", "x.fna.fai"]


def test_ranges_outside_are_refused(tmp_path):
    path = tmp_path / "x.fna"
    path.write_bytes(TEXT)
    fasta = gm.open_fasta(path)
    for contig, start, stop in [("two", 0, 5), ("two", 3, 2), ("three", 0, 1), ("two", 5, None)]:
        with pytest.raises(ValueError, match=contig):
            fasta.fetch(contig, start, stop)


@hypothesis.settings(deadline=None)
@hypothesis.given(records=st.lists(st.text("ACGTNacgtnRyu", max_size=90), min_size=1, max_size=4),
                  width=st.integers(1, 30), end=st.sampled_from(["\n", "\r\n"]), last=st.booleans())
def test_plain_files_are_read_as_the_same_files_in_gzip(records, width, end, last):
    """Even lines are read by a way of their own."""

    lines = []
    for i, record in enumerate(records):
        lines += [f">r{i} some text", *(record[j:j + width] for j in range(0, len(record), width))]
    text = end.join(lines) + (end if last else "")
    with tempfile.TemporaryDirectory() as folder:
        plain, packed = pathlib.Path(folder) / "x.fna", pathlib.Path(folder) / "x.fna.gz"
        plain.write_bytes(text.encode())
        packed.write_bytes(gzip.compress(text.encode()))
        assert gm.read_fasta(plain) == gm.read_fasta(packed)


@pytest.mark.skipif(shutil.which("bgzip") is None, reason="bgzip is not installed")
def test_many_blocks_of_bgzip_are_joined_in_order(tmp_path):
    letters = bytes(random.Random(1).choices(b"ACGT", k=3_000_000))
    path    = tmp_path / "x.fna"
    path.write_bytes(b">big\n" + letters + b"\n>small\nAC\n")
    subprocess.run(["bgzip", path], check=True)
    assert gm.read_fasta(f"{path}.gz") == [("big", letters), ("small", b"AC")]
