# Perilune: every job is a target of this file. `make help` lists them; it is made from the `##` comments below.
# Each target first runs the part of the set-up that it needs, once; `make setup` runs all of it.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory

BOARD ?= netduinoplus2
EMULATOR ?= qemu
TARGET ?= qemu
VARIANT ?= flight
SECONDS ?= 60

include firmware/micropython.mk

ENVIRONMENT := host_tools/environment
VENV := .venv/bin
ABSOLUTE_VENV := $(CURDIR)/$(VENV)
RUN_MODULE := PYTHONPATH=host_tools:firmware:. $(VENV)/python -m
MPY_CROSS := build/mpy-cross/mpy-cross

# Python is started some hundred times; one that keeps nothing compiled takes twice as long to start.
export PYTHONDONTWRITEBYTECODE :=

# Places that the user names hold in the folder where they were typed.
PLACES = $(foreach name,BOARDS BUILD KEYS MISSION,$(if $($(name)),$(name)="$(abspath $($(name)))"))

# Boards in an emulator wait more than they compute, and so do other tests: with three, no processor is ever idle.
TEST_WORKERS = $(shell echo $$((3 * $$(nproc))))

# As many jobs as processors, unless `make -j` already said how many.
JOBS = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))

# ---- Set-up: one mark per step, renewed when what it depends on changes ----

PACKAGES_READY := .deps/packages.ready
VENV_READY := .venv/perilune.ready
SOURCES_READY := .deps/micropython-$(MICROPYTHON_VERSION).ready
# One set-up at a time in this folder, however many makes were started.
ONE_AT_A_TIME := mkdir -p .deps && exec 9>.deps/setup.lock && flock 9

# A mark says what was done here once; a tool that has gone since (another machine, a removed package) undoes it.
ifneq ($(words $(foreach tool,gcc git arm-none-eabi-gcc qemu-system-arm,$(shell command -v $(tool)))),4)
.PHONY: $(PACKAGES_READY)
endif
# So do sources that are no longer there, and another MICROPYTHON_DIR than the one that is linked.
WANTED_SOURCES := $(or $(realpath $(MICROPYTHON_DIR)),$(MICROPYTHON_DIR),$(realpath $(MICROPYTHON_TREE)),none)
ifneq ($(WANTED_SOURCES),$(patsubst %/py/mpconfig.h,%,$(realpath $(MICROPYTHON_TREE)/py/mpconfig.h)))
.PHONY: $(SOURCES_READY)
endif

$(PACKAGES_READY): $(ENVIRONMENT)/packages.sh $(ENVIRONMENT)/python.sh
	@$(ONE_AT_A_TIME); sh $(ENVIRONMENT)/packages.sh; touch $@

# The installation builds the C codec, so it is made again when that changes.
CODEC_SOURCES := $(wildcard firmware/cmodules/codec/*.[ch] host_tools/perilune_codec/*.[ch] host_tools/perilune_codec/build_codec.py)

$(VENV_READY): pyproject.toml setup.py $(ENVIRONMENT)/venv.sh $(CODEC_SOURCES) | $(PACKAGES_READY)
	@$(ONE_AT_A_TIME); sh $(ENVIRONMENT)/venv.sh; touch $@

$(SOURCES_READY): $(wildcard $(ENVIRONMENT)/*.py) $(ENVIRONMENT)/micropython_sources.toml | $(PACKAGES_READY) $(VENV_READY)
	@$(ONE_AT_A_TIME); PYTHONPATH=host_tools $(VENV)/python -m environment.micropython_sources; touch $@

$(MPY_CROSS): $(SOURCES_READY)
	@echo "Building mpy-cross"
	@mkdir -p build/mpy-cross
	@$(MAKE) -s $(JOBS) -C $(MICROPYTHON_TREE)/mpy-cross BUILD=$(CURDIR)/build/mpy-cross PYTHON=$(ABSOLUTE_VENV)/python \
		>build/mpy-cross/build.log 2>&1 \
		|| { tail -n 30 build/mpy-cross/build.log; exit 1; }
	@touch $@

# ---- Targets for people ----

.PHONY: help
help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "make %-17s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: setup
setup: $(PACKAGES_READY) $(VENV_READY) $(SOURCES_READY) $(MPY_CROSS) ## prepare this machine: packages, .venv, MicroPython

.PHONY: check
check: setup ## the gate: format, lint, types, C warnings, documents, rules
	@$(VENV)/python tests/rules/gate.py

# In a new clone one process compiles the tests; else every worker would, all at the same time.
COMPILE_TESTS = $(if $(wildcard tests/system/__pycache__/*-pytest-*),,echo "Compiling the tests"; $(VENV)/python -m pytest -q \
	--collect-only hil tests >build/collected.log || { tail -n 30 build/collected.log; exit 1; })

.PHONY: test
test: setup unix test-images ## run the tests, except the long ones
	@$(COMPILE_TESTS)
	@$(VENV)/python -m pytest hil tests -n $(TEST_WORKERS) --dist loadgroup -m "not long" \
		--target sitl --target qemu --sample qemu

.PHONY: test-long
test-long: setup unix test-images ## run all tests
	@$(COMPILE_TESTS)
	@$(VENV)/python -m pytest hil tests -n $(TEST_WORKERS) --dist loadgroup --target sitl --target qemu

# What the tests boot: both variants, both with the mission of the flight tests, the reference payload, a misbehaving app.
.PHONY: test-images
test-images: setup
	@mkdir -p build
	@$(MAKE) -s $(JOBS) test-images-flight test-images-dev

PAYLOAD := $(CURDIR)/firmware/dictionary/payload
TRIAL := $(CURDIR)/tests/flight/trial
UNRULY := $(CURDIR)/hil/campaign/unruly

# One after the other: the first compiles what the others share.
.PHONY: test-images-flight test-images-dev
test-images-flight: IMAGES = "" "MISSION=$(PAYLOAD) BUILD=$(CURDIR)/build/$(BOARD)-payload" \
	"MISSION=$(TRIAL) BUILD=$(CURDIR)/build/$(BOARD)-trial" "MISSION=$(UNRULY) BUILD=$(CURDIR)/build/$(BOARD)-unruly"
test-images-dev: IMAGES = "" "MISSION=$(PAYLOAD) BUILD=$(CURDIR)/build/$(BOARD)-payload-dev" \
	"MISSION=$(TRIAL) BUILD=$(CURDIR)/build/$(BOARD)-trial-dev"
test-images-flight test-images-dev: test-images-%:
	@for image in $(IMAGES); do \
		$(MAKE) -s firmware VARIANT=$* $$image >build/$@.log 2>&1 || { tail -n 30 build/$@.log; exit 1; }; \
	done

.PHONY: firmware
firmware: setup ## build a board's firmware: BOARD=netduinoplus2 VARIANT=flight (or dev) MISSION=folder KEYS=file
	@sh $(ENVIRONMENT)/sister_objects.sh take $(IMAGE_FOLDER) "$(OBJECTS_KIND)"
	@$(MAKE) $(JOBS) -C firmware/stm32f4 BOARD=$(BOARD) VARIANT=$(VARIANT) MICROPYTHON_DIR=$(MICROPYTHON_TREE) \
		MICROPY_MPYCROSS=$(CURDIR)/$(MPY_CROSS) PYTHON=$(ABSOLUTE_VENV)/python $(PLACES)
	@sh $(ENVIRONMENT)/sister_objects.sh give $(IMAGE_FOLDER) "$(OBJECTS_KIND)"

IMAGE_FOLDER = "$(or $(abspath $(BUILD)),$(CURDIR)/build/$(BOARD)-$(VARIANT))"
OBJECTS_KIND = $(strip $(BOARD) $(VARIANT) $(abspath $(BOARDS)) $(realpath $(MICROPYTHON_TREE)) $(COPT) $(CFLAGS_EXTRA))

.PHONY: size
size: firmware ## show what an image takes of its board; fails over budget: BOARD=... VARIANT=...
	@$(RUN_MODULE) perilune.image $(BOARD) $(VARIANT) build/$(BOARD)-$(VARIANT)/firmware.elf

# Renode where it is installed, else QEMU, unless EMULATOR names one.
DEMO_TARGET = $(if $(filter command% environment%,$(origin EMULATOR)),$(EMULATOR),auto)

.PHONY: demo
demo: setup ## the main job: an evening on the Moon on an emulated board, with a verdict: EMULATOR=renode (qemu, sitl)
	@target=$$($(RUN_MODULE) hil.demo --target $(DEMO_TARGET) --choose); $(MAKE) -s payload-image TARGET=$$target
	@$(RUN_MODULE) hil.demo --target $(DEMO_TARGET)

# The image that a target of hil/benches boots; none for sitl and for real boards.
.PHONY: payload-image
payload-image:
	@$(if $(filter qemu renode,$(TARGET)),mkdir -p build; $(MAKE) -s firmware BOARD=$(HIL_BOARD) VARIANT=flight \
		MISSION=$(CURDIR)/firmware/dictionary/payload BUILD=$(CURDIR)/build/$(HIL_BOARD)-payload >build/payload-image.log 2>&1 \
		|| { tail -n 30 build/payload-image.log; exit 1; })

# sitl runs the flight software in a process on this machine: no firmware.
.PHONY: emulate
emulate: $(if $(filter sitl,$(EMULATOR)),setup,firmware) ## run a board until Ctrl-C: EMULATOR=qemu (renode, sitl) BOARD=... PLANT=1 PTY=1 STORAGE=file
	@$(RUN_MODULE) hil.emulate --target $(EMULATOR) $(if $(PLANT),--plant) $(if $(PTY),--pty) \
		$(if $(filter sitl,$(EMULATOR)),$(if $(MISSION),--mission $(abspath $(MISSION))),\
		$(BOARD) $(or $(if $(BUILD),$(abspath $(BUILD))),build/$(BOARD)-$(VARIANT))/firmware.elf) \
		$(if $(STORAGE),--storage $(STORAGE))

# The board that a target of the scenarios boots: its bench in hil/benches names the same.
HIL_BOARD = $(if $(filter renode,$(TARGET)),stm32f4_discovery,$(BOARD))
HIL_WORKERS ?= $(if $(filter serial,$(TARGET)),1,$(if $(filter qemu,$(TARGET)),$(TEST_WORKERS),auto))

.PHONY: hil
hil: setup ## fly the scenarios on a target: TARGET=qemu (sitl, renode, serial BENCH=file)
	@$(MAKE) -s payload-image TARGET=$(TARGET)
	@$(VENV)/python -m pytest hil -n $(HIL_WORKERS) --target $(TARGET) $(if $(BENCH),--bench $(BENCH))

.PHONY: campaign
campaign: setup ## faults by the hundred on emulated boards, judged: CAMPAIGN=memory|power|soak OPTIONS="--flips 2000"
	@$(if $(filter memory power soak,$(or $(CAMPAIGN),memory)),,echo "no campaign $(CAMPAIGN): memory, power or soak" >&2; exit 2)
	@$(MAKE) -s test-images
	@$(RUN_MODULE) hil.campaign $(or $(CAMPAIGN),memory) $(OPTIONS)

.PHONY: renode
renode: setup ## unpack a downloaded Renode for this project, or say where to get it: PACKAGE=file
	@$(RUN_MODULE) hil.renode_package $(PACKAGE)

.PHONY: flash
flash: firmware ## write the firmware to a real board: BOARD=... METHOD=dfu|stlink|openocd|serial PORT=... DRY_RUN=1
	@$(RUN_MODULE) perilune flash $(BOARD) --image $(or $(BUILD),build/$(BOARD)-$(VARIANT))/firmware.bin \
		$(if $(METHOD),--method $(METHOD)) $(if $(PORT),--port $(PORT)) $(if $(SERIAL),--serial $(SERIAL)) $(if $(BOARDS),--boards $(BOARDS)) \
		$(if $(DRY_RUN),--dry-run)

.PHONY: robot
robot: setup ## run the suites in operators' language: TARGET=qemu (or sitl, renode, a bench file)
	@$(MAKE) -s payload-image TARGET=$(TARGET)
	@$(VENV)/robot --variable TARGET:$(TARGET) --outputdir hil/out/robot hil/robot/suites

# renode-test runs on the Python that is found first, with packages that Renode lists: Robot Framework 6.1 among them,
# which is new enough for us.
.PHONY: robot-renode
robot-renode: setup ## run the suites that have Renode's own keywords beside ours, by renode-test
	@renode=$$($(RUN_MODULE) hil.renode_package --folder) && $(MAKE) -s renode-images \
		&& $(VENV)/python -m pip install --quiet --no-input --disable-pip-version-check -r "$$renode/tests/requirements.txt" \
		&& PATH="$(ABSOLUTE_VENV):$$PATH" "$$renode/renode-test" -r $(CURDIR)/hil/out/renode-test hil/robot/renode/*.robot

# What the benches of Renode and the suites of robot-renode boot.
.PHONY: renode-images
renode-images: setup
	@$(MAKE) -s payload-image TARGET=renode
	@for image in "BOARD=stm32f4_discovery VARIANT=dev" \
		"BOARD=netduinoplus2 MISSION=$(CURDIR)/firmware/dictionary/parts BUILD=$(CURDIR)/build/netduinoplus2-parts"; do \
		$(MAKE) -s firmware $$image >build/renode-images.log 2>&1 || { tail -n 30 build/renode-images.log; exit 1; }; \
	done

.PHONY: test-micropython
test-micropython: setup test-images ## run MicroPython's own tests on the dev image in QEMU
	@$(RUN_MODULE) tests.micropython.suite

# ---- Interpreters and measurements on the workstation ----

.PHONY: unix
unix: setup ## build the MicroPython on which the flight tests run here
	@mkdir -p build/unix
	@$(MAKE) -s $(JOBS) -C $(MICROPYTHON_TREE)/ports/unix VARIANT_DIR=$(CURDIR)/tests/flight/unix_variant PROG=micropython \
		USER_C_MODULES=$(CURDIR)/firmware/cmodules BUILD=$(CURDIR)/build/unix PYTHON=$(ABSOLUTE_VENV)/python \
		MICROPY_MPYCROSS=$(CURDIR)/$(MPY_CROSS) MICROPY_MPYCROSS_DEPENDENCY= >build/unix/build.log 2>&1 \
		|| { tail -n 30 build/unix/build.log; exit 1; }

.PHONY: dictionary
dictionary: setup ## check the dictionary and write its reference to build/dictionary.md: MISSION=folder
	@mkdir -p build
	@PYTHONPATH=host_tools:firmware $(VENV)/python -m perilune.dictionary reference --out build/dictionary.md firmware/dictionary $(MISSION)
	@echo build/dictionary.md

# A board and its payload through a lunar day and night, in virtual time.
.PHONY: lunation
lunation: setup ## fly a lunation in closed loop, judge it and draw it: LATITUDE=0
	@$(RUN_MODULE) hil.lunation --latitude $(or $(LATITUDE),0) --out build

.PHONY: fuzz
fuzz: setup ## fuzz every decoder: SECONDS=60, shared by all of them
	@$(VENV)/python -c 'import atheris' 2>/dev/null \
		|| $(VENV)/python -m pip install --quiet --no-input --disable-pip-version-check --editable '.[fuzz]'
	@$(RUN_MODULE) tests.fuzz.run $(SECONDS)

# All benchmarks add to one history; each shows what has changed since its last run.
HISTORY_FILE = $(if $(HISTORY),--history $(HISTORY))

.PHONY: bench
bench: setup bench-images ## measure everything, one table with goals and changes; fails when one is missed: HISTORY=file
	@$(RUN_MODULE) tests.bench $(HISTORY_FILE)

.PHONY: bench-codec
bench-codec: setup test-images ## measure the codec on this machine and on the emulated board
	@$(RUN_MODULE) tests.bench.bench_codec $(HISTORY_FILE)

.PHONY: bench-host
bench-host: setup ## measure archive and decoding beside a raw file write and plain SQLite, on this machine
	@$(RUN_MODULE) tests.bench.bench_host $(HISTORY_FILE)

.PHONY: bench-board
bench-board: setup bench-images ## measure the flight program on the emulated board
	@$(RUN_MODULE) tests.bench.bench_board $(HISTORY_FILE)

.PHONY: bench-boot
bench-boot: setup test-images ## measure the time from power to the first housekeeping on the emulated board
	@$(RUN_MODULE) tests.bench.bench_boot $(HISTORY_FILE)

# What is measured: images of the tests, and the flight program with the benchmark's mission, as it flies and with a prompt.
.PHONY: bench-images
bench-images: test-images
	@mkdir -p build/bench
	@for image in "VARIANT=flight BUILD=$(CURDIR)/build/$(BOARD)-load" "VARIANT=dev BUILD=$(CURDIR)/build/$(BOARD)-load-dev"; do \
		$(MAKE) -s firmware $$image MISSION=$(CURDIR)/tests/bench/load >build/bench/images.log 2>&1 \
			|| { tail -n 30 build/bench/images.log; exit 1; }; \
	done

# ---- Housekeeping ----

.PHONY: generated
generated: setup ## renew the generated text in the documents
	@$(VENV)/python -m tests.rules.test_generated --write

.PHONY: clean
clean: ## remove what was built
	rm -rf build hil/out .pytest_cache .mypy_cache .ruff_cache .hypothesis

.PHONY: distclean
distclean: clean ## remove the set-up too: .venv, .deps
	rm -rf .venv .deps *.egg-info host_tools/*.egg-info
