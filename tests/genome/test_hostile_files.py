"""Damaged, foreign and hostile files: one line with the reason and exit code 1 everywhere, or read and counted."""

import gzip
import json
import random

import pytest

import genet5.cli.errors as exits
import genet5.cli.score as score_cli
import genet5.genome as gm

GENE = [("gene", 3, 20, "ID=g"), ("mRNA", 3, 20, "ID=t;Parent=g"), ("CDS", 3, 5, "ID=p;Parent=t"),
        ("CDS", 18, 20, "ID=p;Parent=t")]
NAMES = 'gene_id "g"; transcript_id "t";'


def row(kind, start, end, attributes, strand="+", phase=None, contig="chr1"):
    phase = phase or ("0" if kind == "CDS" else ".")
    return f"{contig}\tx\t{kind}\t{start}\t{end}\t.\t{strand}\t{phase}\t{attributes}\n"


def rows(*parts):
    return "##gff-version 3\n" + "".join(row(*part) for part in parts)


TIDY  = rows(*GENE)
FASTA = ">chr1\nCCATGGTAAGTTTTCAGTGACC\n"


@pytest.fixture
def commands(run, monkeypatch, capsys):
    """Run `inspect` and `f1` on one annotation; gives the two (exit code, stdout, stderr)."""

    def score(*args):
        monkeypatch.setattr("sys.argv", ["genet5-score", *map(str, args)])
        code = exits.run(score_cli.cli, "genet5-score")
        return (code or 0, *capsys.readouterr())

    return lambda path, *options: (run("inspect", path, *options), score("f1", path, path, *options))


def refused(outcomes, path, *words):
    """Both commands end with 1 and one line that names the file and says these words."""

    for code, out, err in outcomes:
        assert (code, out) == (1, "") and err.startswith(f"error: {path}") and err.count("\n") == 1, err
        assert all(word in err for word in words), err


DAMAGED = {
    "cut":       (lambda packed: packed[:-9], "damaged or cut-off gzip data"),
    "beginning": (lambda packed: packed[:5], "damaged or cut-off gzip data"),
    "checksum":  (lambda packed: packed[:-8] + bytes([packed[-8] ^ 1]) + packed[-7:], "damaged or cut-off gzip data"),
    "size":      (lambda packed: packed[:-1] + bytes([packed[-1] ^ 1]), "damaged or cut-off gzip data"),
    "appendix":  (lambda packed: packed + b"junk", "damaged or cut-off gzip data"),
    "bzip2":     (lambda packed: b"BZh9" + packed, "bzip2"),
    "zip":       (lambda packed: b"PK\x03\x04" + packed, "zip"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_archives_are_refused(commands, run, tmp_path, name):
    spoil, words = DAMAGED[name]
    path, genome = tmp_path / "x.gff.gz", tmp_path / "x.fna.gz"
    path.write_bytes(spoil(gzip.compress(TIDY.encode())))
    refused(commands(path), path, words)
    (tmp_path / "good.gff").write_text(TIDY)
    genome.write_bytes(spoil(gzip.compress(FASTA.encode())))
    code, _, err = run("inspect", tmp_path / "good.gff", "--genome", genome)
    assert code == 1 and err.startswith(f"error: {genome}") and words in err


@pytest.mark.parametrize("seed", range(6))
def test_garbage_is_refused_with_its_line(commands, run, tmp_path, seed):
    path    = tmp_path / "x.gff"
    garbage = random.Random(seed).randbytes(5000)
    # neither a comment nor a FASTA section
    path.write_bytes(b"\x7f" + garbage)
    refused(commands(path), path, ", line ")
    (tmp_path / "good.gff").write_text(TIDY)
    code, _, err = run("inspect", tmp_path / "good.gff", "--genome", path)
    assert code == 1 and f"{path}, line 1: " in err


WRONG = {
    "eight columns":          (TIDY + row("CDS", 1, 3, "").rstrip("\t\n").rsplit("\t", 1)[0] + "\n", 6, "columns"),
    "blanks for tabs":        (TIDY + "chr1 x CDS 1 3 . + 0 ID=q\n", 6, "1 tab-separated columns"),
    "ten columns":            (TIDY + row("CDS", 1, 3, "ID=q\tx=y"), 6, "more than 9 tab-separated columns"),
    "negative start":         (TIDY + row("CDS", -4, 3, "ID=q"), 6, "'-4' in column 4"),
    "start 0":                (TIDY + row("CDS", 0, 3, "ID=q"), 6, "'0' in column 4"),
    "huge end":               (TIDY + row("CDS", 1, 2 ** 32, "ID=q"), 6, "'4294967296' in column 5"),
    "a number without end":   (TIDY + row("CDS", 1, "9" * 5000, "ID=q"), 6, "in column 5"),
    "a decimal":              (TIDY + row("CDS", "1.5", 3, "ID=q"), 6, "'1.5' in column 4"),
    "start over end":         (TIDY + row("CDS", 9, 3, "ID=q"), 6, "start 9 is greater than end 3"),
    "a strand x":             (TIDY + row("CDS", 1, 3, "ID=q", "x"), 6, "strand 'x'"),
    "a phase 3":              (TIDY + row("CDS", 1, 3, "ID=q", "+", "3"), 6, "phase '3'"),
    "an ID of two genes":     (TIDY + row("gene", 1, 9, "ID=g"), 6, "'g' is used again (first in line 2)"),
    "an ID of two mRNAs":     (TIDY + row("mRNA", 1, 9, "ID=t;Parent=g"), 6, "'t' is used again (first in line 3)"),
    "an ID on two sequences": (TIDY + row("CDS", 1, 3, "ID=p;Parent=t", contig="chr2"), 6, "on another sequence"),
    "a gene in itself":       (TIDY + row("gene", 1, 9, "ID=h;Parent=h"), 6, "own ancestor"),
    "a circle of parents":    (TIDY + row("gene", 1, 9, "ID=h;Parent=u") + row("mRNA", 1, 9, "ID=u;Parent=h"), 7,
                               "own ancestor"),
    "one unknown parent":     (TIDY + row("exon", 3, 5, "Parent=t,u"), 6, "Parent 'u' is not in the file"),
    "no transcript_id":       (row("CDS", 3, 5, 'gene_id "g";'), 1, "without transcript_id"),
    "a quote never closed":   (row("CDS", 3, 5, 'gene_id "g; transcript_id t;'), 1, "without transcript_id"),
    "GFF2":                   (row("CDS", 3, 5, 'Sequence "x"'), 1, "GFF2"),
    "carriage returns alone": (TIDY.replace("\n", "\r"), 1, "carriage returns"),
    "UTF-16":                 (TIDY.encode("utf-16"), 1, "columns"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_rows_are_refused_with_their_line(commands, tmp_path, name):
    text, line, words = WRONG[name]
    path = tmp_path / "x.gff"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    refused(commands(path), path, f", line {line}: ", words)
    (tmp_path / "y.gff.gz").write_bytes(gzip.compress(path.read_bytes()))
    refused(commands(tmp_path / "y.gff.gz"), tmp_path / "y.gff.gz", f", line {line}: ", words)


def test_a_genome_in_the_place_of_an_annotation_is_refused(commands, tmp_path):
    path = tmp_path / "x.fna"
    path.write_text(FASTA)
    refused(commands(path), path, "FASTA")


LAYOUTS = {
    "a byte-order mark":    lambda text: "\ufeff" + text,
    "CRLF":                 lambda text: text.replace("\n", "\r\n"),
    "no last newline":      lambda text: text.rstrip("\n"),
    "blank lines":          lambda text: text.replace("\n", "\n\n  \n"),
    "comments in genes":    lambda text: text.replace("\n", "\n# so\n"),
    "blanks at line ends":  lambda text: text.replace("\n", "  \n"),
    "a last semicolon":     lambda text: text.replace("\n", ";\n").replace("3;\n", "3\n"),
    "an embedded genome":   lambda text: text + "##FASTA\n" + FASTA,
    "a closed gene":        lambda text: text + "###\n",
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_layout_of_a_file_changes_nothing(commands, tmp_path, name):
    path = tmp_path / "x.gff"
    path.write_text(LAYOUTS[name](TIDY), encoding="utf-8", newline="")
    for code, out, err in commands(path, "--strict", "--json"):
        found = json.loads(out)
        assert (code, err) == (0, "")
        assert found[-1]["tp"] == 1 if isinstance(found, list) else (found["genes"], found["cds_segments"]) == (1, 2)


@pytest.mark.parametrize("layout", ["a byte-order mark", "CRLF", "no last newline", "blanks at line ends"])
def test_a_genome_may_have_any_layout_too(tmp_path, layout):
    path = tmp_path / "x.fna"
    path.write_text(LAYOUTS[layout](FASTA), encoding="utf-8", newline="")
    assert gm.read_fasta(path) == [("chr1", b"CCATGGTAAGTTTTCAGTGACC")]
    assert gm.open_fasta(path).fetch("chr1", 2, 5) == b"ATG"


QUOTING = {
    "semicolons and tags":  ('gene_id "g;1"; transcript_id "t [x]|y"; tag "a"; tag "b"', "g;1", {}),
    "no quotes":            ("gene_id g; transcript_id t", "g", {}),
    "blanks everywhere":    ('  gene_id   "g" ;transcript_id  "t"  ', "g", {}),
    "an escape is text":    ('gene_id "g%2C1"; transcript_id "t";', "g%2C1", {}),
    "the last quote open":  ('gene_id "g"; transcript_id "t', "g", {"unclosed_quote": 1}),
    "no gene":              ('transcript_id "t";', "t", {"implicit_gene": 1}),
}


@pytest.mark.parametrize("name", QUOTING)
def test_gtf_values_in_any_quoting(commands, tmp_path, name):
    attributes, gene, repairs = QUOTING[name]
    path = tmp_path / "x.gtf"
    path.write_text(row("CDS", 3, 8, attributes))
    assert [found["id"] for found in gm.read_genes(path)] == [gene] and gm.inspect(path)["repairs"] == repairs
    assert [code for code, _, _ in commands(path, "--strict")] == [bool(repairs)] * 2


def test_a_gene_beyond_its_sequence_is_counted_and_never_baked(run, tmp_path, tiny_tokenizer):
    folder = tmp_path / "raw" / "A.one"
    folder.mkdir(parents=True)
    (folder / "fna").write_text(FASTA)
    (folder / "gff").write_text(TIDY + row("CDS", 18, 4_294_967_295, "ID=q"))
    found = gm.inspect(folder / "gff", folder / "fna")
    assert (found["valid_genes"], found["invalid_genes"]) == (1, {"outside_contig": 1})
    code, out, _ = run("bake", tmp_path / "raw", tmp_path / "out", "--tokenizer", tiny_tokenizer, "--window-size", 22,
                       "--val-share", 0, "--json")
    genes = json.loads(out)["species"]["A.one"]["genes"]
    assert code == 0 and genes["coding"] == 2 and genes["invalid"] == {"outside_contig": 1}
    code, out, _ = run("inspect", folder / "gff", "--genome", folder / "fna", "--strict")
    assert code == 1 and out == ""


@pytest.fixture
def tiny_tokenizer(tmp_path):
    """A tokenizer.json of the four bases."""

    vocab = {token: number for number, token in enumerate(["[UNK]", "A", "C", "G", "T"])}
    path  = tmp_path / "tokenizer.json"
    model = {"type": "BPE", "unk_token": "[UNK]", "vocab": vocab, "merges": []}
    path.write_text(json.dumps({"model": model, "added_tokens": [{"id": 0, "content": "[UNK]", "special": True}]}))
    return path


def test_a_foreign_genome_is_refused_with_the_nearest_names(run, commands, tmp_path, tiny_tokenizer):
    folder = tmp_path / "raw" / "A.one"
    folder.mkdir(parents=True)
    (folder / "fna").write_text(FASTA.replace("chr1", "1") + ">scaffold_7\nACGT\n")
    (folder / "gff").write_text(TIDY)
    bake = run("bake", tmp_path / "raw", tmp_path / "out", "--tokenizer", tiny_tokenizer)
    both = [run("inspect", folder / "gff", "--genome", folder / "fna"),
            run("inspect", folder / "gff", "--genome", folder / "fna", "--genes")]
    for code, out, err in [bake, *both]:
        assert (code, out) == (1, "") and err.count("\n") == 1, err
        assert err.startswith(f"error: {folder / 'gff'}") and "chr1 (nearest: 1, scaffold_7)" in err


@pytest.mark.parametrize("words", [("check", "{gff}", "--genome", "{fna}"), ("baseline", "{gff}", "{fna}"),
                                   ("f1", "{gff}", "{gff}", "--by", "gc", "--genome", "{fna}")])
def test_scores_refuse_a_foreign_genome_alike(monkeypatch, capsys, tmp_path, words):
    (tmp_path / "x.gff").write_text(TIDY)
    (tmp_path / "x.fna").write_text(FASTA.replace("chr1", "1"))
    words = [word.format(gff=tmp_path / "x.gff", fna=tmp_path / "x.fna") for word in words]
    monkeypatch.setattr("sys.argv", ["genet5-score", *words])
    assert exits.run(score_cli.cli, "genet5-score") == 1
    out, err = capsys.readouterr()
    assert out == "" and "chr1 (nearest: 1)" in err and err.count("\n") == 1


def test_repairs_are_told_once_and_refused_when_strict(commands, run, tmp_path):
    path = tmp_path / "x.gff"
    path.write_text(rows(("gene", 1, 40, "ID=g"), ("CDS", 1, 9, "ID=a;Parent=g"), ("CDS", 4, 12, "ID=b;Parent=g"),
                         ("CDS", 21, 29, "ID=c;Parent=h")))
    expected = {"implicit_gene": 1, "implicit_transcript": 3, "undefined_parent": 1}
    assert gm.repairs(path) == [("implicit_gene", 1, 5), ("implicit_transcript", 3, 3), ("undefined_parent", 1, 5)]
    (code, out, _), (scored, _, err) = commands(path)
    assert (code, scored) == (0, 0) and "repair implicit_transcript\t3" in out
    assert err.splitlines() == [f"note: {path}: repaired: implicit_gene 1, implicit_transcript 3, undefined_parent 1 "
                                "(--strict refuses; see docs/formats.md)"] * 2
    assert run("inspect", path, "--genes")[2].startswith(f"note: {path}: repaired: implicit_gene 1")
    (_, out, _), (_, listed, _) = commands(path, "--json")
    assert json.loads(out)["repairs"] == expected
    assert {json.dumps(found["reference_repairs"]) for found in json.loads(listed)} == {json.dumps(expected)}
    refused(commands(path, "--strict"), path, ", line 3: implicit_transcript: ", "(5 repairs in the file)")
