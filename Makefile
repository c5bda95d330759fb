# make demo   set up, run the workflow on testdata/, print a summary
# make test   set up, run the whole test suite, the lab's tests included, on all cores (PYTEST_ARGS="-n 0 -s
#             tests/cli/test_polish.py" runs a part of it in one process, which shows what is printed and lets --pdb in)
#
# PYTHON is the interpreter (3.11 or newer), CORES the number of cores for the demo.

PYTHON ?= python3
CORES ?= all
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
INSTALLED := $(VENV)/installed

.PHONY: demo test clean

demo: $(INSTALLED)
	@echo "align, encode, correct, gather, evaluate, report on testdata/ (log: demo/workflow.log)"
	@mkdir -p demo
	@PATH="$(BIN):$$PATH" snakemake --configfile config/demo.yaml --cores $(CORES) --forceall > demo/workflow.log 2>&1 \
		|| { cat demo/workflow.log; exit 1; }
	@cat demo/simulated/logs/gather.log
	@sed -n '/^[0-9]* errors in/,/^$$/p' demo/simulated/simulated.evaluation.txt
	@echo "polished reads: demo/simulated/simulated.bam"
	@echo "report:         demo/report.html"

test: $(INSTALLED)
	$(BIN)/pytest -m "" $(PYTEST_ARGS)

# A change of either file recreates the environment; changes of the code do not (the install is editable).
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11")'
	@echo "setting up $(VENV) (a minute or more)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[workflow,report,examples,docs,dev]'
	@touch $@

clean:
	rm -rf $(VENV) .snakemake .hypothesis .pytest_cache *.egg-info demo build dist
