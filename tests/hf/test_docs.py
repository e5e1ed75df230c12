"""The examples of docs/huggingface.md run as they stand, one after the other."""

import importlib.util
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

import genet5
import genet5.model.folder as folders

PACKAGE = pathlib.Path(__file__).resolve().parents[2] / "python"


def genet5_(*arguments):
    subprocess.run([sys.executable, "-m", "genet5", *map(str, arguments)], check=True, capture_output=True,
                   env={**os.environ, "PYTHONPATH": str(PACKAGE)})


# a machine without a GPU has no use for the Trainer's pinned memory
@pytest.mark.filterwarnings("ignore:'pin_memory':UserWarning")
def test_the_examples_run(document, tokenizer_file, tools, tmp_path, monkeypatch, capsys):
    examples = re.findall(r"```python\n(.*?)```", document, re.DOTALL)
    assert len(examples) == 4
    monkeypatch.chdir(tmp_path)
    folders.create("model/yeast", tokenizer_file, preset="tiny", seed=3, **tools.SMALL)
    pathlib.Path("genome.fa").write_text(f">chr1\n{tools.random_dna(4, 900)}\n")
    names = {"__name__": "example"}
    for example in examples[:3]:
        exec(compile(example, "docs/huggingface.md", "exec"), names)
    assert "torch.Size([1, 512, 9])" in capsys.readouterr().out
    assert names["ids"] == genet5.tokenizer.load("model/yeast").encode(b"ACGTTGCATTG")[0].tolist()
    assert genet5.load("model/copy", device="cpu").predict("ACGT" * 100) is not None
    if importlib.util.find_spec("accelerate") is None:
        pytest.skip("Hugging Face's Trainer needs accelerate")
    genet5_("simulate", "raw/S.simulata", "--length", 40_000, "--contigs", 2)
    shutil.copy(tokenizer_file, "tokenizer.json")
    genet5_("bake", "raw", "baked", "--tokenizer", "tokenizer.json", "--window-size", 1024, "--threads", 1)
    exec(compile(examples[3], "docs/huggingface.md", "exec"), names)
    assert folders.load("model/tuned").config.width == tools.SMALL["width"]
