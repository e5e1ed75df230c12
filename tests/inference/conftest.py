"""A tiny untrained model, awkward sequences, and the checklist."""

import pathlib
import random

import pytest

import beside
import genet5.tokenizer as tk

BASES = "ACGT"


@pytest.fixture(scope="session")
def checklist():
    """The module checklist.py beside this file."""

    return beside.load(pathlib.Path(__file__).with_name("checklist.py"))


def random_dna(seed, length, letters=BASES):
    """Letters of a random sequence."""

    return "".join(random.Random(seed).choices(letters, k=length))


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    """A folder with an untrained model, small enough to be read a thousand times."""

    pytest.importorskip("torch")
    import genet5.model.folder as folder

    out       = tmp_path_factory.mktemp("model")
    tokenizer = tk.train([random_dna(1, 50_000).encode()], vocab_size=64)
    tokenizer.save(out / "start.json")
    folder.create(out / "model", out / "start.json", "tiny", seed=5, width=32, num_layers=1, num_heads=2,
                  feed_forward=32, stem_width=16, stem_dilations=(1,), base_width=16, key_width=16, window_size=1024)
    return out / "model"


@pytest.fixture(scope="session")
def predictor(model_folder):
    """The model, loaded, on the CPU."""

    import genet5

    return genet5.load(model_folder, device="cpu", threads=2)


@pytest.fixture(scope="session")
def eager(model_folder):
    """The same model with its lattice biased towards genes, so that the exact path holds many."""

    import genet5
    import genet5.model.stem as stems

    import torch

    predictor  = genet5.load(model_folder, device="cpu", threads=2)
    potentials = predictor.model.head.potentials
    with torch.no_grad():
        potentials.weight.copy_(torch.randn(potentials.weight.shape, generator=torch.Generator().manual_seed(1)))
        potentials.weight[:9] *= 0.03 / stems.LABEL_SCALE
        potentials.weight[9:] *= 0.3 / stems.SITE_SCALE
        potentials.bias.zero_()
        # intergenic and introns cost something, starts and stops pay
        potentials.bias[0]               = -0.01 / stems.LABEL_SCALE
        potentials.bias[7:9]             = -0.02 / stems.LABEL_SCALE
        potentials.bias[[9, 10, 13, 14]] = 4.0 / stems.SITE_SCALE
    return predictor


@pytest.fixture(scope="session")
def awkward():
    """Random and adversarial contigs: name -> letters."""

    stopless = random_dna(11, 1500, "ACG")
    spliced  = "".join(random.Random(12).choices(["GT", "AG", "ATG", "C", "GCAG", "AT", "AC", "TAA"], k=350))
    gaps     = random_dna(13, 400) + "N" * 300 + random_dna(14, 31) + "N" + random_dna(15, 300) + "N" * 2500
    return {
        "random":   random_dna(10, 1536),
        "rich":     random_dna(16, 1024, "AAACGTTT"),
        "stopless": stopless,
        "splices":  spliced,
        "gaps":     gaps + random_dna(17, 200),
        # genes that touch both ends of the contig
        "ends":     "TTA" + random_dna(18, 300) + "CAT" + random_dna(19, 33) + "ATG" + random_dna(20, 300) + "TAA",
        "orf":      "ATGAAATAG",
        "short":    "ACGT",
        "one":      "A",
        "nothing":  "N" * 4000,
        "empty_gc": "GC" * 700,
    }


def write_fasta(path, genome, width=70):
    """A FASTA file of name -> letters."""

    with path.open("w") as file:
        for name, letters in genome.items():
            file.write(f">{name} made for a test\n")
            file.writelines(letters[at:at + width] + "\n" for at in range(0, len(letters), width))
    return path


@pytest.fixture(scope="session")
def dna():
    """`random_dna`."""

    return random_dna


@pytest.fixture(scope="session")
def fasta():
    """`write_fasta`."""

    return write_fasta


@pytest.fixture(scope="session")
def awkward_file(awkward, tmp_path_factory):
    """The awkward contigs as a FASTA file."""

    return write_fasta(tmp_path_factory.mktemp("genome") / "genome.fa", awkward)
