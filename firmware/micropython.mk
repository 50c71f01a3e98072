# Which MicroPython is built, for every Makefile that builds some of it. Set-up puts the sources there and checks them.

MICROPYTHON_VERSION := 1.25.0
MICROPYTHON_TREE := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))../.deps/micropython-$(MICROPYTHON_VERSION))

# What `sys.version` and the start-up line say. Without these the build would ask git and take this project's commits and
# today's date; with them the same sources give the same image. The values are those of the release.
export MICROPY_GIT_TAG := v$(MICROPYTHON_VERSION)
export MICROPY_GIT_HASH := f498a16c7
export SOURCE_DATE_EPOCH := 1744675200
