"""The logs: whole lines, and after a kill the same rows as without it."""

import json

import genet5.train.logs as logs


def write(path, steps, upto=None):
    log = logs.Log(path, logs.TRAINING, upto)
    for step in steps:
        log.write({"step": step, "loss": step / 3, "grad_norm": float("nan")})
    log.close()


def test_rows_read_back_exactly(tmp_path):
    write(tmp_path / "log.csv", [1, 2])
    rows = logs.read(tmp_path / "log.csv")
    assert list(rows[0]) == list(logs.TRAINING)
    assert [row["loss"] for row in rows] == [1 / 3, 2 / 3]
    assert rows[0]["grad_norm"] is None


def test_a_resumed_log_equals_an_uninterrupted_one(tmp_path):
    write(tmp_path / "whole.csv", range(1, 9))
    write(tmp_path / "cut.csv", range(1, 6))
    with (tmp_path / "cut.csv").open("a") as file:
        file.write("6,0,0.1")
    with (tmp_path / "cut.jsonl").open("a") as file:
        file.write('{"step": 6, "lo')
    write(tmp_path / "cut.csv", range(4, 9), upto=3)
    assert (tmp_path / "cut.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert (tmp_path / "cut.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_json_lines_say_the_same_and_null_where_a_number_is_not_finite(tmp_path):
    said = []
    log  = logs.Log(tmp_path / "log.csv", logs.TRAINING, warn=said.append)
    for step in (1, 2):
        log.write({"step": step, "loss": 0.5, "grad_norm": float("inf"), "prefix_load": "0.5 0.5"})
    log.close()
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [list(row) for row in rows] == [list(logs.TRAINING)] * 2
    assert [(row["step"], row["loss"], row["grad_norm"], row["prefix_load"]) for row in rows] == \
        [(1, 0.5, None, "0.5 0.5"), (2, 0.5, None, "0.5 0.5")]
    assert said == ["warning: grad_norm is inf; log.csv leaves it empty (said once)"]


def test_a_new_run_begins_a_new_log(tmp_path):
    write(tmp_path / "log.csv", [1, 2])
    write(tmp_path / "log.csv", [1])
    assert len(logs.read(tmp_path / "log.csv")) == 1
