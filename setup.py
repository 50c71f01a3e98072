"""What pyproject.toml cannot say: the packages that live in three folders of the repository, and the C extension."""

from setuptools import find_namespace_packages, setup

PACKAGE_FOLDERS = {"flight": "firmware/flight", "hil": "hil"}  # package -> its folder
# Data that people edit elsewhere in the repository; perilune/own_data.py looks for it in both places.
DATA_FOLDERS = {"perilune.data.dictionary": "firmware/dictionary", "perilune.data.boards": "boards"}
LEFT_OUT = ("perilune.template", "hil.out")  # data of a package, and what test runs leave behind


def packages() -> list[str]:
    """Return the name of every package: those of host_tools/, and ``flight`` and ``hil`` with what is below them."""
    names = find_namespace_packages("host_tools", include=["perilune*"])
    for package, folder in PACKAGE_FOLDERS.items():
        names += [package, *(f"{package}.{name}" for name in find_namespace_packages(folder))]
    return [name for name in [*names, *DATA_FOLDERS] if "__pycache__" not in name and not name.startswith(LEFT_OUT)]


setup(
    packages=packages(),
    package_dir={"": "host_tools", **PACKAGE_FOLDERS, **DATA_FOLDERS},
    py_modules=["micropython"],  # for flight code on CPython
    cffi_modules=["host_tools/perilune_codec/build_codec.py:ffibuilder"],
)
