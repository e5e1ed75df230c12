"""The compiled core among signals, forks and threads."""

import concurrent.futures
import os
import signal
import subprocess
import sys
import time
import zlib

import pytest

import genet5.genome as gm
import genet5.tokenizer as tk

ROW = "chr\tx\t{}\t{}\t{}\t.\t+\t{}\t{}\n"
# tells when the call begins, so that the signal meets it and not the imports
CALLS = {
    "annotation": "import genet5.genome as m; print('go', flush=True); m.inspect({gff!r})",
    "genome":     "import genet5.genome as m; print('go', flush=True); m.read_fasta({fna!r})",
    "score":      "import genet5.score as m; print('go', flush=True); m.files({gff!r}, [{gff!r}], isoforms='all')",
    "train":      "import genet5.tokenizer as m; print('go', flush=True); m.train([open({letters!r}, 'rb').read()], "
                  "vocab_size=8192)",
    "bake":       "import genet5.bake as m; print('go', flush=True); m.bake({raw!r}, {out!r}, {tokenizer!r}, "
                  "window_size=2000, stride=20, val_share=0.0)",
}


@pytest.fixture(scope="session")
def big(tmp_path_factory):
    """Paths of files that take longer than a second, as a dict of str."""

    import genet5.simulate as simulate

    folder  = tmp_path_factory.mktemp("big")
    species = folder / "raw" / "A.one"
    simulate.species(species, length=400_000, contigs=1)
    letters = b"".join(sequence for _, sequence in gm.read_fasta(next(species.glob("fna*"))))
    (folder / "letters").write_bytes(letters * 100)
    deflate = zlib.compressobj(wbits=31)
    with (folder / "x.fna").open("wb") as out:
        out.write(deflate.compress(b">a\n") + deflate.flush(zlib.Z_FULL_FLUSH))
        piece = deflate.compress(letters) + deflate.flush(zlib.Z_FULL_FLUSH)
        for _ in range(500):
            out.write(piece)
        # a gzip file that is whole has a checksum, but nobody gets there
    with (folder / "x.gff").open("w") as out:
        for number in range(0, 1_000_000, 2):
            # the parent is not right above, so that every row is looked up
            out.write(ROW.format("CDS", number + 1, number + 3, 0, f"ID=c{number};Parent=t{number},u{number}"))
            out.write(ROW.format("mRNA", number + 1, number + 3, ".", f"ID=t{number}"))
            out.write(ROW.format("mRNA", number + 1, number + 3, ".", f"ID=u{number}"))
    tk.train([letters], vocab_size=512).save(folder / "tokenizer.json")
    return {"gff": str(folder / "x.gff"), "fna": str(folder / "x.fna"), "letters": str(folder / "letters"),
            "raw": str(folder / "raw"), "out": str(folder / "out"), "tokenizer": str(folder / "tokenizer.json")}


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_ctrl_c_ends_a_long_call_at_once(big, name):
    code = CALLS[name].format(**big)
    done = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.stdout.readline() == "go\n"
    time.sleep(0.3)
    assert done.poll() is None, "the call is too short to be interrupted"
    done.send_signal(signal.SIGINT)
    began     = time.monotonic()
    _, errors = done.communicate(timeout=60)
    # a wait of 100 ms for the signal, and as much for a busy machine
    assert time.monotonic() - began < 5 and done.returncode != 0 and "KeyboardInterrupt" in errors


@pytest.mark.slow
def test_the_next_call_after_ctrl_c_is_not_interrupted(big, files):
    code = f'''
import os, signal, threading
import genet5.genome as gm
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    gm.inspect({big["gff"]!r})
except KeyboardInterrupt:
    print("interrupted", gm.inspect({str(files / "x.gff")!r})["genes"])
'''
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "interrupted 10\n", done.stderr


@pytest.fixture
def files(tmp_path):
    """A genome, an annotation and a tokenizer of a few genes."""

    rows = "".join(ROW.format("CDS", n, n + 8, 0, f"ID=c{n}") for n in range(1, 200, 20))
    (tmp_path / "x.gff").write_text(rows)
    (tmp_path / "x.fna").write_text(">chr\n" + "ATGAAATAGC" * 50 + "\n")
    tk.train([b"ACGTTGCA" * 200], vocab_size=40).save(tmp_path / "tokenizer.json")
    return tmp_path


def alone(code, *arguments):
    """Run Python code in a process of its own; one that hangs fails."""

    command = [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


FORKED = '''
import pathlib, sys
import torch.utils.data as data
import genet5.genome as gm, genet5.score as score, genet5.tokenizer as tk

folder    = pathlib.Path(sys.argv[1])
tokenizer = tk.load(folder / "tokenizer.json")

class Windows(data.Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, index):
        letters = gm.read_fasta(folder / "x.fna")[0][1]
        found   = score.files(folder / "x.gff", [folder / "x.gff"])[0]["levels"]["gene"]["tp"]
        preset  = score.by_preset(folder / "x.gff", [folder / "x.gff"], ["gffcompare"])[0]["gffcompare"]["exon"]["tp"]
        genes   = gm.inspect(folder / "x.gff", folder / "x.fna")["genes"]
        return len(tokenizer.encode(letters[index:])[0]), genes, found, preset

windows  = Windows()
expected = [windows[index] for index in range(8)]
loader   = data.DataLoader(windows, batch_size=None, num_workers=2, multiprocessing_context="fork")
for _ in range(2):
    assert list(map(tuple, loader)) == expected
print(len(expected))
'''


def test_forked_workers_of_a_data_loader_do_not_hang(files):
    pytest.importorskip("torch")
    done = alone(FORKED, files)
    assert (done.returncode, done.stdout) == (0, "8\n"), done.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_reader_goes_on_where_its_parent_stood(files):
    code = '''
import os, pathlib, sys
import genet5.bake as bake, genet5.data.reader as reader
folder = pathlib.Path(sys.argv[1])
(folder / "raw" / "A.one").mkdir(parents=True)
(folder / "x.fna").rename(folder / "raw" / "A.one" / "fna")
(folder / "x.gff").rename(folder / "raw" / "A.one" / "gff")
bake.bake(folder / "raw", folder / "out", folder / "tokenizer.json", window_size=100, stride=10, val_share=0.0)
source = reader.Reader(folder / "out", row_tokens=512, rows_per_batch=1)
source.next_batch()
child = os.fork()
if child == 0:
    os._exit(0 if source.next_batch() is not None else 1)
assert os.waitpid(child, 0)[1] == 0
source.next_batch()
print("done")
'''
    done = alone(code, files)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_threads_share_what_they_only_read(files):
    genome, tokenizer = gm.open_fasta(files / "x.fna"), tk.load(files / "tokenizer.json")
    letters           = genome.fetch("chr")

    def work(start):
        return genome.fetch("chr", start, start + 50), tokenizer.encode(letters[start:])[0].tolist()

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(200))) == [work(start) for start in range(200)]
