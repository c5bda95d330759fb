# make demo   set up, run the workflow on testdata/, print a summary and how to call the command
# make test   set up, with what developers need, run the whole test suite, the lab's tests included, on all cores
#             (PYTEST_ARGS="-n 0 -s tests/cli/test_polish.py" runs a part of it in one process, which shows what is
#             printed and lets --pdb in)
#
# PYTHON is the interpreter (3.11 or newer), CORES the number of cores for the demo.

SHELL := /bin/bash
PYTHON ?= python3
CORES ?= all
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
FOR_DEMO := $(VENV)/for_demo
FOR_TESTS := $(VENV)/for_tests
COMPILED := $(VENV)/compiled
DEMO_EXTRAS := workflow,report
TEST_EXTRAS := $(DEMO_EXTRAS),torch,examples,docs,dev

# pip compiles two libraries; what is missing for that it says only after a minute, in two hundred lines.
define compiler_hint
printf '\043include <Python.h>\n\043include <zlib.h>\n' | $${CC:-$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_config_var("CC"))')} \
	-I"$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("include"))')" -fsyntax-only -x c - 2> /dev/null \
	|| echo "warning: no C compiler with the headers of Python and zlib was found, which pip needs (Debian: apt install gcc python3-dev zlib1g-dev)"
endef

# What pip is at, on one line that changes, if there is a terminal; all that it printed if it fails.
define pip_install
@PYTHONUNBUFFERED=1 $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off -c constraints.txt \
	-e '.[$(1)]' 2>&1 | tee $(VENV)/pip.log | awk -v terminal="$$(test -t 2 && echo yes)" ' \
	/^ *(Using cached|Downloading) / { step = "downloading " $$(/Using/ ? 3 : 2) } \
	/^Installing collected packages/ { step = NF - 3 " packages" } \
	terminal && step { printf "\r\033[K  %s", step; fflush() } \
	END { print (terminal ? "\r\033[K" : "") "  " step }'; \
	exit=$${PIPESTATUS[0]}; test $$exit = 0 || { cat $(VENV)/pip.log; $(compiler_hint); exit $$exit; }
endef

.PHONY: demo test clean

demo: $(FOR_DEMO) $(COMPILED)
	@echo "index, polish, gather, evaluate, report on testdata/ (log: demo/workflow.log)"
	@mkdir -p demo
	@PATH="$(BIN):$$PATH" snakemake --configfile config/demo.yaml --cores $(CORES) --forceall > demo/workflow.log 2>&1 \
		|| { cat demo/workflow.log; exit 1; }
	@cat demo/simulated/logs/gather.log
	@sed -n '/^[0-9]* errors in/,/^$$/p' demo/simulated/simulated.evaluation.txt
	@echo "polished reads: demo/simulated/simulated.bam"
	@echo "report:         demo/report.html"
	@echo
	@echo "To call deepconsensus-py from this terminal:"
	@echo '  export PATH="$(BIN):$$PATH"'

test: $(FOR_TESTS)
	$(BIN)/pytest -m "" $(PYTEST_ARGS)

# A change of either file recreates the environment; changes of the code do not (the install is editable).
$(VENV)/created: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11")'
	@$(PYTHON) -m venv --clear $(VENV)
	@$(compiler_hint)
	@touch $@

$(FOR_DEMO): $(VENV)/created
	@echo "installing into $(VENV) (a minute or more)"
	$(call pip_install,$(DEMO_EXTRAS))
	@touch $@

$(FOR_TESTS): $(VENV)/created
	@echo "installing into $(VENV), with what developers need (a minute or more)"
	$(call pip_install,$(TEST_EXTRAS))
	@touch $@ $(FOR_DEMO)

$(COMPILED): | $(FOR_DEMO)
	@echo "compiling for this processor (half a minute, once: kept in the __pycache__ folders of the package)"
	@$(BIN)/deepconsensus-py polish testdata/subreads.bam --ccs testdata/ccs.bam --limit 1 --quiet -o $(VENV)/first.fastq
	@touch $@

clean:
	rm -rf $(VENV) .snakemake .hypothesis .pytest_cache *.egg-info demo build dist
