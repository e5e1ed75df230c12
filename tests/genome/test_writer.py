"""What is written passes the field's validators and reads back as the same genes."""

import gzip
import random
import shutil
import subprocess

import pytest

import genet5.genome as gm


def outputs(folder, contigs, **grammar):
    """Valid genes of a genome folder as the writer takes them, with made-up probabilities."""

    index = {name: i for i, (name, _) in enumerate(contigs)}
    genes = [gene for gene in gm.read_genes(folder / "gff.gz", folder / "fna.gz", **grammar) if gene["valid"]]
    dice  = random.Random(3)
    dice.shuffle(genes)
    return [(index[g["contig"]], g["strand"], gm.segments(g), dice.randrange(4097) / 4096) for g in genes]


@pytest.fixture(params=["S.pombe", "A.thaliana", "T.brucei", "C.elegans"])
def written(request, shared, tmp_path):
    folder  = shared / "genomes" / request.param
    contigs = [(name, len(letters)) for name, letters in gm.read_fasta(folder / "fna.gz")]
    genes   = outputs(folder, contigs)[:800]
    path    = tmp_path / "genes.gff3"
    order   = gm.write_gff3(path, contigs, genes, id_prefix="x_")
    return folder, contigs, genes, path, order


def test_it_reads_back_as_the_same_genes(written):
    _, contigs, genes, path, order = written
    found = gm.read_genes(path)
    assert gm.inspect(path)["repairs"] == {}
    assert [gene["id"] for gene in found] == [name for _, name in order]
    back = [(gene["contig"], gene["strand"], gm.segments(gene)) for gene in found]
    assert back == [(contigs[genes[i][0]][0], genes[i][1], genes[i][2]) for i, _ in order]
    assert len(found) == len({(g[0], g[1], tuple(g[2])) for g in genes})


def test_rows_are_sorted_and_ids_unique(written):
    _, contigs, genes, path, order = written
    lines = path.read_text().splitlines()
    assert lines[0] == "##gff-version 3"
    regions = [f"##sequence-region {name} 1 {length}" for name, length in contigs]
    assert lines[1:1 + len(regions)] == regions
    assert sum(line == "###" for line in lines) == len(order)
    rows  = [line.split("\t") for line in lines if not line.startswith("#")]
    names = {name: i for i, (name, _) in enumerate(contigs)}
    place = [(names[row[0]], int(row[3]), -int(row[4])) for row in rows if row[2] == "gene"]
    assert place == sorted(place)
    ids = [row[8].split(";")[0] for row in rows if row[2] != "CDS"]
    assert len(ids) == len(set(ids)) and all(name.startswith("ID=x_") for name in ids)
    cds = {}
    for row in rows:
        if row[2] == "CDS":
            cds.setdefault(row[8].split("Parent=")[1], set()).add(row[8].split(";")[0])
    assert len(cds) == len(order) and all(len(names) == 1 for names in cds.values())
    scores = [row[5] for row in rows if row[2] == "gene"]
    assert scores == [f"{genes[i][3]:.4f}" for i, _ in order]


@pytest.mark.skipif(shutil.which("gt") is None, reason="gt (genometools) is not installed")
def test_genometools_accepts_it(written, tmp_path):
    path = written[3]
    done = subprocess.run(["gt", "gff3validator", path], capture_output=True, text=True)
    assert done.returncode == 0 and "valid" in done.stdout, done.stderr
    # eval wants contigs in alphabetical order, not the genome's
    sort = ["gt", "gff3", "-sort", "-retainids", "-o", tmp_path / "sorted.gff3", path]
    subprocess.run(sort, check=True, capture_output=True)
    done = subprocess.run(["gt", "eval", *[tmp_path / "sorted.gff3"] * 2], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def records(path):
    """FASTA as a dict, and its longest line."""

    found, widest = {}, 0
    for line in path.read_text().splitlines():
        if line.startswith(">"):
            name = line[1:]
            found[name] = ""
        else:
            found[name] += line
            widest = max(widest, len(line))
    return found, widest


def test_proteins_and_cds_belong_to_the_rows(written, tmp_path):
    folder, _, genes, _, order = written
    gm.write_proteins(tmp_path / "p.faa", folder / "fna.gz", genes, id_prefix="x_")
    gm.write_cds(tmp_path / "c.fna", folder / "fna.gz", genes, id_prefix="x_")
    proteins, width = records(tmp_path / "p.faa")
    cds, _ = records(tmp_path / "c.fna")
    assert width <= 60 and list(proteins) == list(cds) == [f"{name}.t1" for _, name in order]
    for name, letters in cds.items():
        assert gm.translate(letters.encode()) == proteins[name] + "*"


@pytest.mark.skipif(shutil.which("gffread") is None, reason="gffread is not installed")
def test_gffread_translates_to_the_same_proteins(written, tmp_path):
    folder, _, genes, path, _ = written
    genome = tmp_path / "x.fna"
    genome.write_bytes(gzip.decompress((folder / "fna.gz").read_bytes()))
    gm.write_proteins(tmp_path / "ours.faa", genome, genes, id_prefix="x_")
    gm.write_cds(tmp_path / "ours.fna", genome, genes, id_prefix="x_")
    command = ["gffread", path, "-g", genome, "-y", tmp_path / "theirs.faa", "-x", tmp_path / "theirs.fna"]
    subprocess.run(command, check=True, capture_output=True)
    for kind in ("faa", "fna"):
        ours, theirs = records(tmp_path / f"ours.{kind}")[0], records(tmp_path / f"theirs.{kind}")[0]
        assert ours == {name: letters.upper().rstrip(".") for name, letters in theirs.items()}


def test_another_genetic_code(shared, tmp_path):
    folder  = shared / "genomes" / "C.albicans"
    contigs = [(name, len(letters)) for name, letters in gm.read_fasta(folder / "fna.gz")]
    genes   = outputs(folder, contigs, genetic_code=12)[:200]
    gm.write_proteins(tmp_path / "12.faa", folder / "fna.gz", genes, genetic_code=12)
    gm.write_proteins(tmp_path / "1.faa", folder / "fna.gz", genes)
    candida, standard = records(tmp_path / "12.faa")[0], records(tmp_path / "1.faa")[0]
    changes = {(a, b) for name in candida for a, b in zip(standard[name], candida[name]) if a != b}
    assert changes == {("L", "S")}


def test_ids_do_not_depend_on_other_contigs(tmp_path):
    contigs = [("a", 90), ("b", 90)]
    genes   = [(0, "+", [(0, 9)], None), (1, "+", [(0, 9)], 0.5), (1, "-", [(3, 6), (40, 46)], 0.25)]
    both    = gm.write_gff3(tmp_path / "x", contigs, genes)
    only    = gm.write_gff3(tmp_path / "y", contigs, genes[1:])
    assert [name for _, name in both] == ["a_g00001", "b_g00001", "b_g00002"]
    assert [name for _, name in only] == ["b_g00001", "b_g00002"]


def test_the_same_cds_is_written_once(tmp_path):
    genes = [(0, "+", [(0, 9)], 0.25), (0, "+", [(0, 9)], 0.75), (0, "-", [(0, 9)], None)]
    assert [i for i, _ in gm.write_gff3(tmp_path / "x", [("a", 9)], genes)] == [1, 2]


def test_no_gene_is_a_header(tmp_path):
    path = tmp_path / "x.gff3"
    assert gm.write_gff3(path, [("a b", 9), ("empty", 0)], []) == []
    assert path.read_text() == "##gff-version 3\n##sequence-region a%20b 1 9\n"
    assert gm.read_genes(path) == []
    if shutil.which("gt"):
        subprocess.run(["gt", "gff3validator", path], check=True, capture_output=True)


@pytest.mark.parametrize("gene", [
    (1, "+", [(0, 9)], None), (0, "+", [(0, 10)], None), (0, "+", [], None), (0, "*", [(0, 9)], None),
    (0, "-", [(0, 6), (3, 9)], None), (0, "-", [(6, 9), (0, 3)], None), (0, "-", [(3, 3)], None),
    (0, "+", [(0, 9)], float("nan")),
])
def test_impossible_genes_leave_no_file(tmp_path, gene):
    with pytest.raises(ValueError):
        gm.write_gff3(tmp_path / "x", [("a", 9)], [gene])
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="prefix"):
        gm.write_gff3(tmp_path / "x", [("a", 9)], [], id_prefix="a b")
