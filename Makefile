# Every target does its own set-up: `make run` on a fresh machine needs nothing but Python
# 3.11, 3.12 or 3.13. Everything made here is under .local/.

VENV := .local/venv
TOOLS := .local/tools
CHECKOV := .local/checkov
LAMBDA := .local/lambda
BUILT := .aws-sam/build/template.yaml
ARCHITECTURE ?= x86_64
BUILT_FOR := .local/built-for/$(ARCHITECTURE)
SOURCES := app.py functions infra layers tests
PY := $(VENV)/bin/python
# Another Python than the one on PATH: make PYTHON=/path/to/python3.13 ...
PYTHON ?=
SET_UP := PYTHON="$(PYTHON)" sh infra/find_python.sh
REQUIREMENTS := requirements.txt layers/runtime/requirements.txt layers/training/requirements.txt functions/docs/requirements.txt
# Tests in as many processes as there are processors, four at most.
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); [ $$n -gt 4 ] && echo 4 || echo $$n)

.DEFAULT_GOAL := help
.PHONY: help run demo report test stress e2e sam-local check bench evaluate build train clean

help: ## show this
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

run: $(VENV)/ready $(if $(filter lambda,$(RUNTIME)),$(BUILT) $(LAMBDA)/ready) ## score leads at http://127.0.0.1:8000 (DATA= OUTCOMES= your own, PORT=, DEMO=1, RETRAIN=1, RUNTIME=lambda)
	@exec $(PY) -m infra.run $(if $(DATA),--data '$(DATA)') $(if $(OUTCOMES),--outcomes '$(OUTCOMES)') \
	  $(if $(PORT),--port '$(PORT)') $(if $(RUNTIME),--runtime '$(RUNTIME)') $(if $(filter-out 0 no,$(DEMO)),--demo) \
	  $(if $(filter-out 0 no,$(ADD)),--add) $(if $(filter-out 0 no,$(RETRAIN)),--retrain)

demo: $(VENV)/ready ## weeks of a sales team in minutes (DATA= OUTCOMES= your own history, DAYS=, LOOK=1 afterwards)
	@exec $(PY) -m infra.demo $(if $(DATA),--data '$(DATA)') $(if $(OUTCOMES),--outcomes '$(OUTCOMES)') \
	  $(if $(DAYS),--days '$(DAYS)') $(if $(LEADS),--leads '$(LEADS)') $(if $(SEED),--seed '$(SEED)') \
	  $(if $(PORT),--port '$(PORT)') $(if $(filter-out 0 no,$(QUICK)),--quick) \
	  $(if $(filter-out 0 no,$(LOOK)),--look)

report: $(VENV)/ready ## show what a model is worth, as one HTML page (MODEL= version, OUT= file, LOOK=1 of the demo)
	@exec $(PY) -m infra.report $(if $(MODEL),--model '$(MODEL)') $(if $(OUT),--out '$(OUT)') \
	  $(if $(filter-out 0 no,$(DEMO)),--demo) $(if $(filter-out 0 no,$(LOOK)),--look)

test: $(VENV)/ready ## run every test, with coverage of layers/
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --ignore tests/e2e --cov --cov-report=term:skip-covered \
	  --cov-fail-under=90 $(TESTS)

# The same tests with more of everything: kills at every moment, 2,000 requests under faults, 6,000 of
# an A/B test and 4,800 of feedback from eight clients, 2,000 simulated A/B tests.
STRESS := $(addprefix tests/integration/test_,exactly_once_ab_tests.py exactly_once_feedback.py \
  faults_under_load.py killed_training.py) tests/unit/test_ab_simulations.py

e2e: $(VENV)/ready $(BUILT) $(LAMBDA)/ready ## run the built functions in Lambda's runtime loop, and test them there
	@$(PY) -m pytest -n0 tests/e2e

sam-local: $(VENV)/ready $(BUILT) ## serve the built functions in containers (needs Docker; PORT=)
	@SAM_CLI_TELEMETRY=0 SAM_CLI_CHECK_NEWER_VERSION=0 $(PY) -m infra.sam_local $(if $(PORT),--port '$(PORT)')

stress: $(VENV)/ready ## run the tests that make test shortens, at their full size (10 to 20 minutes)
	@THOROUGH=1 $(PY) -m pytest -n $(WORKERS) --dist load $(STRESS)

check: $(VENV)/ready $(TOOLS)/ready $(CHECKOV)/ready ## format, lint, types, template
	@echo "ruff: format" && $(PY) -m ruff format --check $(SOURCES)
	@echo "ruff: lint" && $(PY) -m ruff check $(SOURCES)
	@echo "mypy: layers" && $(PY) -m mypy --strict layers/lead_scoring/lead_scoring
	@for app in functions/*/app.py; do echo "mypy: $$app"; \
	  $(PY) -m mypy --strict "$$app" || exit 1; done
	@echo "mypy: infra" && $(PY) -m mypy --strict infra
	@echo "cfn-lint" && $(TOOLS)/bin/python $(TOOLS)/bin/cfn-lint template.yaml
	@echo "checkov" && $(CHECKOV)/bin/checkov --file template.yaml --framework cloudformation \
	  --skip-download --compact --quiet
	@echo "sam validate" && $(SAM) validate --lint --template template.yaml

# Cold starts are measured where `make build` has been.
bench: $(VENV)/ready $(if $(wildcard $(BUILT)),$(TOOLS)/ready $(LAMBDA)/ready) ## measure it all beside a plain implementation, about 12 minutes (QUICK=1, DATA= OUTCOMES= your own, README=1 writes the newest figures)
	@$(PY) -m infra.bench $(if $(DATA),--data '$(DATA)') $(if $(OUTCOMES),--outcomes '$(OUTCOMES)') \
	  $(if $(filter-out 0 no,$(QUICK)),--quick) $(if $(filter-out 0 no,$(README)),--readme)

evaluate: $(VENV)/ready ## quality on your own data: DATA= OUTCOMES= (by time, or GROUP=column for unseen groups)
	@[ -n '$(DATA)' ] && [ -n '$(OUTCOMES)' ] || { echo "Say which leads: make evaluate DATA=leads.jsonl OUTCOMES=outcomes.jsonl [GROUP=column]"; exit 2; }
	@$(PY) -m infra.evaluate $(if $(DATA),--data '$(DATA)') $(if $(OUTCOMES),--outcomes '$(OUTCOMES)') \
	  $(if $(GROUP),--group '$(GROUP)',--by-time) $(if $(FOLDS),--folds $(FOLDS))

train: ## train a new model on the leads that `make run` keeps, then serve it
	@$(MAKE) --no-print-directory run RETRAIN=1

build: $(BUILT) ## build what is deployed into .aws-sam/ (needs Python 3.13), and say how large it is
	@sed -i.unstamped "s/ RELEASE: .*/ RELEASE: '$$(date +%s)'/" $(BUILT)
	@$(PY) -m infra.sizes

# Wheels of another processor are another build.
$(BUILT_FOR):
	@rm -rf $(@D) && mkdir -p $(@D) && touch $@

$(BUILT): $(BUILT_FOR) $(TOOLS)/ready $(VENV)/ready $(shell find functions layers -name '*.py' -o -name 'Makefile' -o -name '*.txt') template.yaml
	@echo "Building for Lambda: about 1 minute."
	@python313=$$(sh infra/find_python313.sh) && mkdir -p .local && \
	  { PATH="$$python313:$$PATH" $(SAM) build > .local/build.log 2>&1 || { cat .local/build.log; exit 1; }; }
	@touch $(BUILT)

# Lambda's side of the runtime loop, for the emulator that aws-sam-cli carries.
$(LAMBDA)/ready: infra/lambda-requirements.txt
	@rm -rf $(LAMBDA) && mkdir -p $(LAMBDA)
	@python313=$$(sh infra/find_python313.sh) && echo "$$python313/python3.13" > $(LAMBDA)/python && \
	  "$$python313/python3.13" -m pip install -q --disable-pip-version-check --root-user-action ignore \
	  --no-deps --target $(LAMBDA)/runtime -r infra/lambda-requirements.txt
	@touch $@

clean: ## remove everything made here, kept leads and models too
	rm -rf .local .aws-sam .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# sam looks for a region and for news unless told otherwise.
SAM = AWS_DEFAULT_REGION=us-east-1 SAM_CLI_TELEMETRY=0 SAM_CLI_CHECK_NEWER_VERSION=0 \
  $(TOOLS)/bin/python -m samcli

$(VENV)/ready: $(REQUIREMENTS) infra/set_up.py
	@python=$$($(SET_UP)) && "$$python" infra/set_up.py $(VENV) requirements.txt 114 "1 to 3 minutes" link

$(CHECKOV)/ready: infra/checkov-requirements.txt infra/set_up.py
	@python=$$($(SET_UP)) && "$$python" infra/set_up.py $(CHECKOV) infra/checkov-requirements.txt 95 "about 1 minute"

$(TOOLS)/ready: infra/tools-requirements.txt infra/set_up.py
	@python=$$($(SET_UP)) && "$$python" infra/set_up.py $(TOOLS) infra/tools-requirements.txt 75 "about 1 minute"
