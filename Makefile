PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
# tests of the screen wait more than they compute
WORKERS ?= 4
SEED ?= 1
COUNT ?= 20000
EVENTS ?= 1000
# a network that fails once is asked again
INSTALL = $(BIN)/pip install --quiet --disable-pip-version-check --retries 10 --constraint constraints.txt
RETRY = for try in 1 2 3; do $(1) && break; [ $$try = 3 ] && exit 1; sleep 5; done

.PHONY: run test test-random test-thorough test-live fuzz check lint types contracts bench rca samples keys pictures bench-quick clean

run: $(RUNTIME)  ## install and open the bundled incident
	@$(BIN)/tracetui demo

test: $(DEV)  ## run the tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-random: $(DEV)  ## run the tests in a random order (ORDER=7 repeats one)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --random-order $(if $(ORDER),--random-order-seed=$(ORDER))

test-thorough: $(DEV)  ## run the property tests with ten times as many examples
	EXAMPLES=thorough $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

fuzz: $(DEV)  ## fuzz what reads, analyses and writes traces, then the screen (SEED, COUNT inputs, EVENTS)
	$(BIN)/python -m tests.fuzz --seed $(SEED) --count $(COUNT)
	$(BIN)/python -m tests.fuzz.screen --seed $(SEED) --count $(EVENTS)

test-live: $(DEV)  ## run the tests against a real Zipkin (ZIPKIN_JAR, else Maven fetches it; needs Java) and the Jaeger in JAEGER_BIN
	$(BIN)/python -m pytest -m live

check: lint types contracts test  ## everything that continuous integration runs

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV)
	$(BIN)/mypy

contracts: $(DEV)
	$(BIN)/lint-imports

bench: $(DEV)  ## measure the budgets against a yardstick; takes some minutes and 8 GB of memory
	$(BIN)/python -m tests.bench

bench-quick: $(DEV)  ## measure them with 50,000 spans, each once: rough figures in about a minute
	$(BIN)/python -m tests.bench --quick

rca: $(DEV)  ## measure root causes: of the cases in RCA_DIR, else of generated incidents
	RCA_DIR=$(RCA_DIR) $(BIN)/python -m tests.bench.root_causes

samples: $(DEV)  ## make the sample traces again
	$(BIN)/python sample_traces/generate.py

keys: $(DEV)  ## write docs/keys.md from the tables of keys
	$(BIN)/python -m tracetui.tui.keys.document > docs/keys.md

pictures: $(DEV)  ## make the pictures of README and docs again
	$(BIN)/python -m tests.pictures

clean:
	rm -rf $(VENV) .bench build dist

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	@echo 'Installing into $(VENV): about a minute, once'
	@$(PYTHON) -m venv $(VENV)

$(RUNTIME): $(VENV)/pyvenv.cfg pyproject.toml constraints.txt
	@echo 'Installing tracetui and its dependencies'
	@$(call RETRY,$(INSTALL) --editable .)
	@touch $@

$(DEV): $(RUNTIME)
	@echo 'Installing the tools of development'
	@$(call RETRY,$(INSTALL) --editable '.[dev]')
	@touch $@
