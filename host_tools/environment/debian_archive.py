"""Fetch one original source archive from the Debian archive that this machine's apt already uses.

What lives here: reading apt's source lists (one-line ``*.list`` and deb822 ``*.sources``, see sources.list(5)) and one
``apt-get source`` with a configuration of its own, so that the machine's source lists and package lists do not change.
What may not: any archive's address. apt checks the archive's signature and every file's hash, as always.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from environment import bounded

APT_TIMEOUT_S = 300  # a whole `apt-get update` or download; apt's own limits per connection are shorter
NETWORK_TIMEOUT_S = 20  # one connection that stays silent

KEPT_OPTIONS = {  # one-line option name -> deb822 field; how the archive is trusted, and nothing else
    "signed-by": "Signed-By",
    "trusted": "Trusted",
    "check-valid-until": "Check-Valid-Until",
}
DEBIAN_SUITE = re.compile(
    r"(oldoldstable|oldstable|stable|testing|unstable|sid|bullseye|bookworm|trixie|forky|duke)(-updates|-backports)?$"
)


class DebianArchiveError(Exception):
    """The archive could not give the source package; the text says what to do next."""


@dataclass(frozen=True)
class Archive:
    """One archive of the machine's source lists, with the fields that say how it is trusted."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    trust: dict[str, str] = field(default_factory=dict)

    def looks_like_debian(self) -> bool:
        """Tell whether it has Debian's suites and ``main``, and a path that ends in ``debian`` or Debian's own key."""
        named = self.uri.rstrip("/").rsplit("/", 1)[-1] == "debian" or self.uri.startswith("mirror")
        signed = "debian-archive" in self.trust.get("Signed-By", "")
        suite = any(DEBIAN_SUITE.match(suite) for suite in self.suites)
        return (named or signed) and suite and "main" in self.components


def read_one_line(text: str) -> Iterator[Archive]:
    """Yield the archives of a ``*.list`` text: ``deb [option=value ...] uri suite component ...``."""
    for raw_line in text.splitlines():
        line = raw_line.split("#", 1)[0].strip()
        match = re.match(r"deb(?:-src)?\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s*(.*)$", line)
        if match is None:
            continue
        options = dict(option.split("=", 1) for option in (match[1] or "").split() if "=" in option)
        trust = {KEPT_OPTIONS[name.lower()]: value for name, value in options.items() if name.lower() in KEPT_OPTIONS}
        yield Archive(match[2], (match[3],), tuple(match[4].split()), trust)


def read_deb822(text: str) -> Iterator[Archive]:
    """Yield the archives of a ``*.sources`` text: stanzas of ``Field: value``, continued by indented lines."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in re.split(r"\n[ \t]*\n", "\n".join(lines)):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line[:1] in {" ", "\t"} and name:
                fields[name] += "\n" + line  # an embedded key keeps its lines
            elif ":" in line:
                name, value = line.split(":", 1)
                name = name.strip().lower()
                fields[name] = value.strip()
        if fields.get("enabled", "yes").lower() in {"no", "false", "0"} or "deb" not in fields.get("types", ""):
            continue
        trust = {kept: fields[option] for option, kept in KEPT_OPTIONS.items() if option in fields}
        for uri in fields.get("uris", "").split():
            suites, components = fields.get("suites", "").split(), fields.get("components", "").split()
            yield Archive(uri, tuple(suites), tuple(components), trust)


def configured_archives(etc_apt: Path = Path("/etc/apt")) -> list[Archive]:
    """Return every archive of the machine's source lists that looks like Debian's, each address once."""
    archives: list[Archive] = []
    for path in [etc_apt / "sources.list", *sorted((etc_apt / "sources.list.d").glob("*"))]:
        if path.is_file() and path.suffix in {".list", ".sources"}:
            text = path.read_text(encoding="utf-8", errors="replace")
            archives += read_deb822(text) if path.suffix == ".sources" else read_one_line(text)
    return list({archive.uri: archive for archive in reversed(archives) if archive.looks_like_debian()}.values())[::-1]


def fetch_original(package: str, version: str, suite: str, work: Path) -> Path:
    """Download *package*'s original archive of upstream *version* from *suite* into *work*; return its path."""
    archives = configured_archives()
    if not archives:
        raise DebianArchiveError("no Debian archive in this machine's apt source lists (Ubuntu has none)")
    failures = []
    for archive in archives:
        try:
            return _fetch_from(archive, package, version, suite, work)
        except DebianArchiveError as failure:
            failures.append(f"{archive.uri}: {failure}")
    raise DebianArchiveError("\n".join(failures))


def _fetch_from(archive: Archive, package: str, version: str, suite: str, work: Path) -> Path:
    for folder in ("lists/partial", "cache/archives/partial", "parts"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    stanza = {"Types": "deb-src", "URIs": archive.uri, "Suites": suite, "Components": "main", **archive.trust}
    (work / "parts" / "debian.sources").write_text(_lines(f"{name}: {value}" for name, value in stanza.items()))
    configuration = work / "apt.conf"
    settings = {
        "Dir::Etc::sourcelist": "-",
        "Dir::Etc::sourceparts": work / "parts",
        "Dir::State::lists": work / "lists",
        "Dir::Cache": work / "cache",
        "APT::Sandbox::User": "root",  # the sandbox user may not enter this folder; as a plain user this has no effect
        "Acquire::http::Timeout": NETWORK_TIMEOUT_S,
        "Acquire::https::Timeout": NETWORK_TIMEOUT_S,
        "Acquire::Retries": 1,
    }
    configuration.write_text(_lines(f'{name} "{value}";' for name, value in settings.items()))
    _apt_get(configuration, work, "update", "--error-on=any")
    _apt_get(configuration, work, "source", "--download-only", "--only-source", package)
    found = [path for path in sorted(work.glob(f"{package}_*.orig.tar.*")) if path.suffix != ".asc"]
    wanted = [path for path in found if path.name.startswith(f"{package}_{version}.orig.tar.")]
    if not wanted:
        raise DebianArchiveError(f"expected {package} {version}, found {', '.join(path.name for path in found)}")
    return wanted[0]


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _apt_get(configuration: Path, work: Path, *arguments: str) -> None:
    command = ["apt-get", "--quiet", "--config-file", str(configuration), *arguments]
    try:
        bounded.run(command, APT_TIMEOUT_S, cwd=work)
    except bounded.CommandError as failure:
        raise DebianArchiveError(f"apt-get {arguments[0]}: {failure}") from None
