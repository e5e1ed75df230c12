"""benches/grpo_evidence.py: what was done once is not done again, and not mixed with other options."""

import pathlib
import subprocess
import sys

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "benches" / "grpo_evidence.py"


def test_stages_are_run_once(tools, raw, tmp_path):
    def prepare(*options):
        command = [sys.executable, SCRIPT, raw / "A.toy", tmp_path, "--contigs", "chr2", "--vocab-size", 64,
                   "--until", "windows", *options]
        return subprocess.run([str(word) for word in command], env=tools.environment(), capture_output=True, text=True,
                              timeout=120, check=False)

    first = prepare("--windows", 20)
    assert first.returncode == 0, first.stderr
    assert [line.split(":")[0] for line in first.stdout.splitlines()] == ["hold_out", "tokenizer", "bake", "windows"]
    assert b"chr2" not in (tmp_path / "windows" / "prep_config.json").read_bytes()
    again = prepare("--windows", 20)
    assert (again.returncode, again.stdout) == (0, "")
    other = prepare("--windows", 30)
    assert other.returncode == 1 and "windows was run with other options" in other.stderr
