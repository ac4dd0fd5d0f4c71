# The commands of this checkout; `make help` lists them. Everything happens in .venv, nothing is installed elsewhere
# (as root on Debian and Ubuntu, setting up may install OS packages: see tools/setup.sh).
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
BIN := .venv/bin
SHELL_FILES = $(shell git ls-files '*.sh' .ci/run)
SECONDS ?= 60
JOBS ?= 2
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help setup audit pyz test truth cures hosts bare lint bench fuzz docs golden lock clean

help: ## what there is
	@sed -n 's/^\([a-z]*\):.* ## /\1\t/p' Makefile | expand -t 10

audit: ## set up and audit this host; ARGS="--user alice" for its options. Succeeds whatever the verdict
	@tools/audit.sh $(ARGS)

setup: ## the development environment in .venv, and OS packages when root
	@tools/setup.sh dev

pyz: ## dist/lxc-preflight.pyz: all of it in one file, for any Python 3.11 or newer with nothing installed
	@tools/setup.sh run
	@$(BIN)/python -m tools.pyz $(ARGS)

test: setup ## set up and run every test: units, laws, linters, types; ARGS="-k name" for pytest's options
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

truth: setup ## as root: break a host in 400 ways and let real containers judge every verdict; ARGS="--only 'net_*'"
	$(BIN)/python -m tests.truth --json build/truth/truth.json --html build/truth/truth.html $(ARGS)

cures: setup ## as root: break a host, fix it, start a container, take it back; ARGS="--only 'net_*'"
	$(BIN)/python -m tests.truth.cures --json build/truth/cures.json --page build/truth/fixes.md $(ARGS)

hosts: setup ## boot Debian, Ubuntu and OpenRC hosts in QEMU and judge every verdict there (2 hours); ARGS="--only 'd12*'"
	$(BIN)/python -m tests.hosts --keep $(ARGS)

bare: setup ## as root: boot bare Debians; one file, one fix, a container; docs/from-nothing.md
	$(BIN)/python -m tests.hosts.bare

lint: setup ## the linters alone
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	shellcheck $(SHELL_FILES)

bench: setup ## how fast it is, in ratios (benchmarks/README.md)
	$(BIN)/python -m benchmarks $(ARGS)

fuzz: setup ## feed garbage to every parser for SECONDS=60 each; ARGS="--only subids"
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(ARGS)

docs: setup ## write docs/checks.md from the checks, docs/trees.md from tests/trees
	$(BIN)/python -m tools.checks_page > docs/checks.md.new
	mv docs/checks.md.new docs/checks.md
	$(BIN)/python -m tests.trees > docs/trees.md.new
	mv docs/trees.md.new docs/trees.md

golden: setup ## write the golden screens of tests/data/golden again; read the difference before you commit it
	$(BIN)/python -m tests.golden

lock: ## pin the newest versions with their hashes in requirements/
	tools/lock.sh

clean: ## remove what these commands made
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
