"""Every command that the documentation shows runs, page by page and in its order, on a small simulated genome."""

import gzip
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PAGES      = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
FENCE      = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
# files of settings, named by their first line
TOML       = re.compile(r"^```toml\n(# (\w+\.toml).*?)^```", re.MULTILINE | re.DOTALL)
# folders of markers that a page's commands want
LINEAGE    = re.compile(r"--lineage (\S+)")
# what a page shows -> what takes seconds
SMALLER    = {"--preset small": "--preset tiny", "--vocab-size 1024": "--vocab-size 256",
              "--max-minutes 40": "--max-steps 2 --no-calibrate --generate-every -1 --batch-rows 2 --num-generations 2 "
                                 "--eval-batches 1",
              "--max-minutes 60": "--max-steps 2 --no-calibrate --generate-every -1 --crop 4096 --row-tokens 2048"}
# outputs that the workspace holds already
REPLACED   = ("init", "bake", "sft", "predict", "simulate", "tokenizer train", "tokenizer expand", "extract")
SEED_STEPS = (
    "genet5 simulate raw/S.cerevisiae --length 60000 --contigs 2",
    "genet5 tokenizer train raw tokenizer.json --vocab-size 256",
    "genet5 tokenizer train raw tokenizer --vocab-size 256",
    "genet5 bake raw baked --tokenizer tokenizer.json --window-size 4096 --val-share 0.2",
    "genet5 init model/yeast --tokenizer tokenizer.json --preset tiny",
    "genet5 init model/larger --tokenizer tokenizer.json --preset tiny --seed 1",
    "genet5 init model/start --tokenizer tokenizer.json --preset tiny",
)


def commands(page):
    """The command lines of a page's shell blocks, comments cut off, continued lines joined."""

    lines = "\n".join(FENCE.findall(page.read_text())).replace("\\\n", " ").splitlines()
    lines = [line.split("  #")[0].strip() for line in lines]
    return [line for line in lines if line.startswith(("genet5 ", "genet5-score ", "torchrun "))]


def call(line, folder):
    """Run one command line as a user would, with one thread."""

    bin_dir     = pathlib.Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{bin_dir}{os.pathsep}{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}
    words       = shlex.split(line)
    if words[0].startswith("genet5"):
        # the package under test, wherever the scripts are installed
        module = {"genet5": "genet5", "genet5-score": "genet5.cli.score"}[words[0]]
        words  = [sys.executable, "-m", module, *words[1:]]
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A folder as the pages suppose it: genomes, a tokenizer, a baked set, models, references and predictions."""

    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("workspace")
    for line in SEED_STEPS:
        done = call(line, folder)
        assert done.returncode == 0, f"{line}\n{done.stderr}"
    species = folder / "raw" / "S.cerevisiae"
    (folder / "genome.fa").write_bytes(gzip.decompress((species / "fna.gz").read_bytes()))
    reference = gzip.decompress((species / "gff.gz").read_bytes())
    for page in PAGES:
        for text, name in TOML.findall(page.read_text()):
            (folder / name).write_text(text)
    for name in ("reference.gff3", "genes.gff3", "other.gff3", "old.gff3", "new.gff3"):
        (folder / name).write_bytes(reference)
    return folder


def runnable(line):
    """A page's command at the size of this test."""

    for shown, smaller in SMALLER.items():
        line = line.replace(shown, smaller)
    again = any(line.startswith(f"genet5 {name} ") for name in REPLACED) or "genet5 sft " in line
    return f"{line} --force" if again and "--force" not in line and "--resume" not in line else line


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=lambda page: page.stem)
def test_the_commands_of_a_page_run(page, workspace, tmp_path, request):
    folder = tmp_path / "work"
    shutil.copytree(workspace, folder)
    for name in LINEAGE.findall("\n".join(commands(page))):
        pytest.importorskip("pyhmmer", reason="pyhmmer is not installed: pip install 'genet5[busco]'")
        shutil.copytree(request.getfixturevalue("shared") / "busco" / "sample_data" / "example", folder / name)
    for line in commands(page):
        done = call(runnable(line), folder)
        assert done.returncode == 0, f"{page.name}: {runnable(line)}\n{done.stdout[-500:]}{done.stderr[-2000:]}"
