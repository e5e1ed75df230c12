# make demo: set up and find genes on a simulated genome; make test: all tests; the rest is for developers
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin

.PHONY: demo test lint bench fuzz clean

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

bench: $(VENV)/installed
	$(BIN)/python benches/speed.py
	$(BIN)/python benches/scoring.py

# hostile input for each reader under AddressSanitizer, FUZZ_SECONDS for each target; needs a nightly compiler and
# `cargo install cargo-fuzz`; what it finds is left in rust/fuzz/artifacts
FUZZ_SECONDS ?= 600
FUZZ_TARGETS ?= fasta gff language shard tokenizer_json

fuzz:
	for target in $(FUZZ_TARGETS); do \
		mkdir -p rust/fuzz/corpus/$$target; \
		cargo +nightly fuzz run --fuzz-dir rust/fuzz --target-dir target/fuzz $$target \
			rust/fuzz/corpus/$$target rust/fuzz/seeds/$$target -- \
			-dict=rust/fuzz/dictionaries/$$target.dict -max_total_time=$(FUZZ_SECONDS) -max_len=32768 \
			-timeout=10 -rss_limit_mb=2048 -print_final_stats=1 || exit 1; \
	done

clean:
	rm -rf $(VENV) target demo python/genet5/*.so

# the whole package, compiled in release, with everything that training and the tests need
$(VENV)/installed: pyproject.toml Cargo.toml Cargo.lock $(shell find rust -name '*.rs' -o -name 'Cargo.toml')
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip "maturin>=1.9,<2"
	$(BIN)/python -m pip install --quiet --editable '.[model,dev]'
	touch $@
