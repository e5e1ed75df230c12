# make demo: set up and find genes on a simulated genome; make test: all tests; the rest is for developers
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
BENCH   = .bench

.PHONY: demo test lint bench gate clean

demo: $(VENV)/installed
	$(BIN)/genet5 demo

test: $(VENV)/installed
	cargo test --release --workspace --quiet
	$(BIN)/python -m pytest

lint: $(VENV)/installed
	cargo fmt --check
	cargo clippy --release --workspace --all-targets --quiet -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --release --workspace --no-deps --quiet
	$(BIN)/ruff check python tests benches

# every hot path beside its peers, into benches/RESULTS.md
bench: $(VENV)/installed $(BENCH)/installed
	PYTHONPATH=python $(BENCH)/bin/python benches/speed.py --out benches/RESULTS.md
	$(BIN)/python benches/scoring.py

# instructions of the hottest loops against those on record
gate: $(VENV)/installed
	$(BIN)/python benches/instructions.py

clean:
	rm -rf $(VENV) $(BENCH) target demo python/genet5/*.so

# the whole package, compiled in release, with everything that training and the tests need
$(VENV)/installed: pyproject.toml Cargo.toml Cargo.lock $(shell find rust -name '*.rs' -o -name 'Cargo.toml')
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip "maturin>=1.9,<2"
	$(BIN)/python -m pip install --quiet --editable '.[model,dev]'
	touch $@

# the peers of the benches, in an environment of their own
$(BENCH)/installed: benches/requirements.txt
	test -x $(BENCH)/bin/python || $(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --upgrade pip
	$(BENCH)/bin/python -m pip install --quiet -r benches/requirements.txt
	touch $@
