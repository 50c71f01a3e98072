"""Names in a program: where a symbol lies, and which function an address belongs to."""

from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

THUMB = 1  # lowest bit of a code address


class Symbols:
    """The symbol table of an ELF file."""

    def __init__(self, elf: Path) -> None:
        self._functions: list[tuple[int, int, str]] = []
        self._objects: list[tuple[int, int, str]] = []
        self._addresses: dict[str, int] = {}
        with elf.open("rb") as file:
            table = ELFFile(file).get_section_by_name(".symtab")
            for symbol in table.iter_symbols() if isinstance(table, SymbolTableSection) else ():
                kind, address = symbol["st_info"]["type"], symbol["st_value"]
                if kind == "STT_FUNC":
                    address &= ~THUMB
                    self._functions.append((address, max(symbol["st_size"], 1), symbol.name))
                if kind == "STT_OBJECT":
                    self._objects.append((address, max(symbol["st_size"], 1), symbol.name))
                if kind in ("STT_FUNC", "STT_OBJECT", "STT_NOTYPE"):
                    self._addresses[symbol.name] = address

    def __contains__(self, name: str) -> bool:
        return name in self._addresses

    def address(self, name: str) -> int:
        """Address of *name*. Raises KeyError."""
        return self._addresses[name]

    def function_at(self, address: int) -> str:
        """Name of the function that *address* lies in; empty when in none."""
        address &= ~THUMB
        return next((name for start, size, name in self._functions if start <= address < start + size), "")

    def object_at(self, address: int) -> str:
        """Name of the variable that *address* lies in; empty when in none."""
        return next((name for start, size, name in self._objects if start <= address < start + size), "")
