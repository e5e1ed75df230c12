"""What reinforcement is worth: the same minutes of `genet5 grpo` and of more `genet5 sft` from one model, held out.

The contigs that are scored are seen by no step before: tokenizer, baked set, windows and calibration come from a copy
of the species without them. Every model is calibrated on the same samples. The same command goes on where an
interrupted one stopped; OUT_DIR gets summary.json, summary.md, reward.csv and the logs of all stages.

Example: PYTHONPATH=python python benches/grpo_evidence.py raw/P.falciparum out/grpo \\
             --contigs AL844501.2,LN999943.1,AL844502.2 --sft-minutes 2 --minutes 1.5 --jobs 2
"""

import argparse
import concurrent.futures
import csv
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import time

HERE     = pathlib.Path(__file__).resolve().parent
DECODERS = ("writer", "viterbi")
LEVELS   = ("gene", "exon", "nucleotide")
CURVE    = ("step", "reward", "reward_std", "rewards/gene/mean", "rewards/exon/mean", "rewards/nucleotide/mean",
            "frac_reward_zero_std", "entropy", "site_loss", "completions/mean_length", "completions/clipped_ratio",
            "sampling/sampling_logp_difference/mean", "grad_norm", "lr", "rollout_seconds", "seconds")


def options():
    """The command line."""

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("species", type=pathlib.Path, help="folder with fna.gz and gff.gz")
    parser.add_argument("out", type=pathlib.Path, help="folder for everything that is made")
    parser.add_argument("--contigs", required=True, help="held-out contigs, A,B")
    parser.add_argument("--model", type=pathlib.Path, help="model folder to start from; else one is trained")
    parser.add_argument("--genetic-code", type=int, default=1)
    parser.add_argument("--vocab-size", type=int, default=1024)
    parser.add_argument("--preset", default="small", help="of the model that is trained")
    parser.add_argument("--sft-minutes", type=float, default=2.0, help="of the training of the first model")
    parser.add_argument("--minutes", type=float, default=1.5, help="of each run that goes on from it")
    parser.add_argument("--seeds", default="1,2")
    parser.add_argument("--windows", type=int, default=1500, help="of genet5 prep-grpo")
    parser.add_argument("--sft-args", default="", help="more options of the first training")
    parser.add_argument("--more-args", default="--lr 5e-4 --warmup 20", help="options of the training that goes on")
    parser.add_argument("--grpo-args", default="--lr 3e-4 --warmup 5 --batch-rows 32 --num-generations 16 "
                                               "--resample-rounds 0 --sft-weight 0.02 --dtype float32",
                        help="options of genet5 grpo")
    parser.add_argument("--batch-size", type=int, default=128, help="windows that a GPU reads at once")
    parser.add_argument("--jobs", type=int, default=1, help="runs side by side on one device")
    parser.add_argument("--until", choices=("windows", "end"), default="end",
                        help="windows: stop where training begins")
    return parser.parse_args()


class Stages:
    """Commands that are run once, with their logs and times in OUT_DIR/stages.

    folder: path
    """

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def run(self, name, *words):
        """Run a command unless it was run before; returns what it wrote on standard output."""

        done, words = self.folder / f"{name}.json", [str(word) for word in words]
        if done.exists():
            before = json.loads(done.read_text())
            if before["command"] != words:
                sys.exit(f"error: {name} was run with other options: {shlex.join(before['command'])}; remove {done} "
                         f"and what depends on it, or name another folder")
            return before["output"]
        begin = time.monotonic()
        ended = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)
        took  = time.monotonic() - begin
        (self.folder / f"{name}.log").write_text(f"{shlex.join(words)}\n{ended.stderr}{ended.stdout}")
        if ended.returncode:
            sys.exit(f"error: {name} failed after {took:.0f} s:\n{ended.stderr[-3000:]}")
        last = (ended.stderr.strip().splitlines() or [""])[-1]
        print(f"{name}: {took:.1f} s  {last}", flush=True)
        done.write_text(json.dumps({"command": words, "seconds": took, "output": ended.stdout}))
        return ended.stdout

    def seconds(self):
        """Seconds of each stage, a dict."""

        return {path.stem: json.loads(path.read_text())["seconds"] for path in sorted(self.folder.glob("*.json"))}


def main():
    """All stages, then the summary."""

    chosen = options()
    out    = chosen.out
    stages = Stages(out / "stages")
    prepare(stages, chosen)
    if chosen.until == "windows":
        return
    first(stages, chosen)
    arms  = {f"{kind}_{seed}": command(kind, seed, chosen) for seed in chosen.seeds.split(",")
             for kind in ("grpo", "more")}
    together(chosen.jobs, [lambda name=name, words=words: stages.run(name, *words) for name, words in arms.items()])
    names = ["start", *arms]
    # calibrations and predictions leave a GPU idle most of the time
    together(chosen.jobs * 2, [lambda name=name: predict(stages, chosen, name) for name in names])
    result = {"options": {name: str(value) for name, value in vars(chosen).items()}, "device": device(),
              "scores": scores(stages, chosen, names), "baseline": baseline(stages, chosen),
              "comparisons": {f"{name} {decoder}": compare(stages, chosen, name, decoder)
                              for name in arms for decoder in DECODERS},
              "models": {name: model(out / name) for name in names}, "seconds": stages.seconds()}
    (out / "summary.json").write_text(json.dumps(result, indent=2) + "\n")
    (out / "summary.md").write_text(table(result))
    curve(out, [name for name in arms if name.startswith("grpo")])
    print(table(result))


def together(jobs, calls):
    """Call functions, so many at once; the first failure ends the program."""

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for future in [pool.submit(call) for call in calls]:
            future.result()


def prepare(stages, chosen):
    """Everything that needs no GPU: the copy without the held-out contigs, tokenizer, baked set and windows."""

    out, name, code = chosen.out, chosen.species.name, f"{chosen.species.name}={chosen.genetic_code}"
    stages.run("hold_out", HERE / "hold_out.py", chosen.species, chosen.contigs, out / "raw" / name)
    if chosen.model is None:
        stages.run("tokenizer", "-m", "genet5", "tokenizer", "train", out / "raw", out / "tokenizer.json",
                   "--vocab-size", chosen.vocab_size, "--force")
    elif not (out / "tokenizer.json").exists():
        shutil.copyfile(chosen.model / "tokenizer.json", out / "tokenizer.json")
    stages.run("bake", "-m", "genet5", "bake", out / "raw", out / "baked", "--tokenizer", out / "tokenizer.json",
               "--genetic-code", code, "--force")
    stages.run("windows", "-m", "genet5", "prep-grpo", out / "raw", out / "windows", "--tokenizer",
               out / "tokenizer.json", "--windows", chosen.windows, "--genetic-code", code, "--force")


def first(stages, chosen):
    """The model that all others begin with, in OUT_DIR/start, calibrated."""

    out = chosen.out
    if chosen.model is None:
        stages.run("init", "-m", "genet5", "init", out / "begin", "--tokenizer", out / "tokenizer.json", "--preset",
                   chosen.preset, "--genetic-code", chosen.genetic_code, "--force")
        stages.run("sft", *train("sft", out / "baked", out / "start", out / "begin", chosen.sft_minutes, 0),
                   *shlex.split(chosen.sft_args))
    elif not (out / "start").exists():
        shutil.copytree(chosen.model, out / "start", ignore=shutil.ignore_patterns("*.pt", "*log*", "memory*"))
    calibrate(stages, chosen, "start")


def train(kind, data, out, start, minutes, seed):
    """Words of a training command that all of them share; they are calibrated afterwards, all on the same samples."""

    return ["-m", "genet5", kind, data, out, start, "--max-minutes", minutes, "--seed", seed, "--generate-every", -1,
            "--no-calibrate", "--force"]


def command(kind, seed, chosen):
    """Words of a run that goes on from the first model."""

    out, name = chosen.out, f"{kind}_{seed}"
    if kind == "more":
        return [*train("sft", out / "baked", out / name, out / "start", chosen.minutes, seed),
                *shlex.split(chosen.more_args)]
    # all held-out windows, at the beginning and at the end only
    return [*train("grpo", out / "windows", out / name, out / "start", chosen.minutes, seed), "--eval-every", 10 ** 6,
            "--eval-batches", 0, "--log-every", 1, *shlex.split(chosen.grpo_args)]


def calibrate(stages, chosen, name):
    """Thresholds of a model, on samples that no training has seen."""

    stages.run(f"calibrate_{name}", HERE / "calibrate.py", chosen.out / name, chosen.out / "windows" / "eval.json",
               chosen.batch_size)


def predict(stages, chosen, name):
    """Both decoders' genes of the held-out contigs by a model with thresholds of its own."""

    calibrate(stages, chosen, name)
    for decoder in DECODERS:
        stages.run(f"predict_{name}_{decoder}", "-m", "genet5", "predict", chosen.out / name,
                   file_of(chosen.species, "fna"), "--contigs", chosen.contigs, "--genetic-code", chosen.genetic_code,
                   "--decoder", decoder, "--batch-size", chosen.batch_size, "--force", "-o",
                   genes(chosen, name, decoder))


def genes(chosen, name, decoder):
    """Path of a prediction."""

    return chosen.out / f"{name}_{decoder}.gff3"


def file_of(folder, name):
    """A species' file, compressed or not."""

    return folder / name if (folder / name).exists() else folder / f"{name}.gz"


def score(stages, chosen, name, command, *words):
    """The JSON of a command of genet5-score on the held-out contigs."""

    return json.loads(stages.run(name, "-m", "genet5.cli.score", command, *words, "--contigs", chosen.contigs,
                                 "--json"))


def scores(stages, chosen, names):
    """Every level of every model and decoder, a dict of dicts."""

    found = {}
    for name in names:
        for decoder in DECODERS:
            rows = score(stages, chosen, f"f1_{name}_{decoder}", "f1", file_of(chosen.species, "gff"),
                         genes(chosen, name, decoder))
            found[f"{name} {decoder}"] = {row["level"]: row for row in rows if row["level"] in LEVELS}
    return found


def baseline(stages, chosen):
    """The longest open reading frames, with the minimum length that suits them best."""

    return score(stages, chosen, "baseline", "baseline", file_of(chosen.species, "gff"),
                 file_of(chosen.species, "fna"), "--genetic-code", chosen.genetic_code)


def compare(stages, chosen, name, decoder):
    """A model against the first one: paired bootstrap over loci and discordant genes."""

    return score(stages, chosen, f"compare_{name}_{decoder}", "compare", file_of(chosen.species, "gff"),
                 genes(chosen, "start", decoder), genes(chosen, name, decoder))


def model(folder):
    """Thresholds and, for a run of this bench, steps and validations."""

    path = folder / "eval_log.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return {"decoding": json.loads((folder / "config.json").read_text())["decoding"], "validations": rows}


def device():
    """The name of the machine's GPU, or of none."""

    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else f"no GPU, {os.cpu_count()} cores"


def table(result):
    """The summary as Markdown."""

    lines = ["| model | decoder | threshold, least probability | gene F1 | sensitivity | precision | exon F1 | "
             "nucleotide F1 | less start (95 %) | genes of start alone, of this alone | p |", "|---" * 11 + "|"]
    for name, levels in result["scores"].items():
        who, decoder = name.split()
        decoding     = result["models"][who]["decoding"]
        against      = result["comparisons"].get(name)
        cells        = [who, decoder, f"{decoding['writer_threshold']:g}, {decoding['min_probability']:g}",
                        *(share(levels["gene"][field]) for field in ("f1", "sensitivity", "precision")),
                        *(share(levels[level]["f1"]) for level in LEVELS[1:])]
        if against:
            gene  = against["levels"]["gene"]
            ends  = " to ".join(share(end, "+") for end in gene["interval"] or ())
            cells += [f"{share(gene['difference'], '+')} ({ends})", f"{against['only_a']}, {against['only_b']}",
                      f"{against['p_value']:.2g}"]
        lines.append("| " + " | ".join(cells + [""] * (11 - len(cells))) + " |")
    orfs = {row["level"]: row["f1"] for row in result["baseline"]}
    lines.append("\nLongest open reading frames: " + ", ".join(f"{level} F1 {share(orfs[level])}" for level in LEVELS))
    return "\n".join([*lines, f"\n{result['device']}", ""])


def share(number, sign=""):
    """A share for the table; `-` where it is not defined, as without a prediction."""

    return "-" if number is None else f"{number:{sign}.4f}"


def curve(out, names):
    """The training's reward step by step, as reward.csv."""

    with (out / "reward.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["run", *CURVE], extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for name in names:
            for line in (out / name / "training_log.jsonl").read_text().splitlines():
                writer.writerow({"run": name, **json.loads(line)})


if __name__ == "__main__":
    main()
