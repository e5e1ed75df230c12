# make demo: set up and find genes on a simulated genome; make test: all tests; the rest is for developers
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin
BENCH   = .bench

.PHONY: demo test test-transformers-4 lint bench gate docs fuzz clean

demo: $(VENV)/installed
	$(BIN)/genet5 demo

test: $(VENV)/installed
	cargo test --release --workspace --quiet
	$(BIN)/python -m pytest

# the Hugging Face classes with the other major version of transformers, in an environment on top of the first one
test-transformers-4: $(VENV)-transformers-4/installed
	$(VENV)-transformers-4/bin/python -m pytest tests/hf

$(VENV)-transformers-4/installed: $(VENV)/installed
	$(BIN)/python -m venv --clear $(VENV)-transformers-4
	base=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))'); \
	own=$$($(VENV)-transformers-4/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))'); \
	echo "import site; site.addsitedir('$$base')" > $$own/base.pth
	$(VENV)-transformers-4/bin/python -m pip install --quiet "transformers>=4.50,<5" "accelerate>=1"
	touch $@

lint: $(VENV)/installed
	cargo fmt --check
	cargo clippy --release --workspace --all-targets --quiet -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --release --workspace --no-deps --quiet
	$(BIN)/ruff check python tests benches docs

# every hot path beside its peers, into benches/RESULTS.md
bench: $(VENV)/installed $(BENCH)/installed
	PYTHONPATH=python $(BENCH)/bin/python benches/speed.py --out benches/RESULTS.md
	$(BIN)/python benches/scoring.py

# instructions of the hottest loops against those on record
gate: $(VENV)/installed
	$(BIN)/python benches/instructions.py

docs: $(VENV)/installed
	$(BIN)/mkdocs build --strict

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
	rm -rf $(VENV) $(VENV)-transformers-4 $(BENCH) target demo python/genet5/*.so

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
