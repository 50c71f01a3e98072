"""A program that answers like Renode as far as the driver can tell: version, port file, XML-RPC keywords, UART ports.

It echoes what comes to a UART, keeps memory in a dictionary, and writes every monitor command that it got to the file
named by ``RENODE_DOUBLE_LOG``. ``RENODE_DOUBLE_VERSION`` is what it says it is; ``RENODE_DOUBLE_LATER`` makes it know
the classes of versions after 1.16.1; ``RENODE_DOUBLE_DECIMAL`` makes it print numbers as a user's setting may have it;
``RENODE_DOUBLE_HANGS`` names the command that it does not answer. Without a machine it knows no devices.
"""

import os
import re
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from xmlrpc.server import SimpleXMLRPCServer


class Double:
    def __init__(self) -> None:
        self.log = Path(os.environ["RENODE_DOUBLE_LOG"])
        self.memory: dict[int, int] = {}
        self.has_machine = False
        self.variables: dict[str, str] = {}

    def run_keyword(self, name: Any, arguments: Any) -> Any:
        """Renode's XML-RPC method: a keyword's name and the list of its arguments, all text."""
        text = arguments[0] if name == "ExecuteCommand" else f"[{name}]"
        if name == "ResetEmulation":
            self.has_machine = False
        with self.log.open("a", encoding="utf-8") as log:
            log.write(text + "\n")
        try:
            return {"status": "PASS", "return": self.execute(text)}
        except ValueError as error:
            return {"status": "FAIL", "error": f"KeywordException: {error}\n", "traceback": ""}

    def get_keyword_names(self) -> list[str]:
        """For Robot Framework, whose `Remote` library asks for them."""
        return ["ExecuteCommand", "ResetEmulation"]

    def execute(self, command: str) -> str:
        if os.environ.get("RENODE_DOUBLE_HANGS") == command:
            time.sleep(60)
        if command.split(maxsplit=1)[0] in ("sysbus", "machine", "cpu") and not self.has_machine:
            raise ValueError(f"No such command or device: {command.split(maxsplit=1)[0]}")
        if command == "mach create":
            self.has_machine = True
        if "LoadPlatformDescriptionFromString" in command and not os.environ.get("RENODE_DOUBLE_LATER"):
            raise ValueError("Error E11: Could not resolve type: 'I2C.STM32F1_I2C'.")
        if found := re.fullmatch(r"\$(\w+)=(.*)", command):
            self.variables[found[1]] = found[2]
        elif command.endswith(" State"):
            return "True\n"
        elif command.startswith("include ") and "boards" in command:
            self.has_machine = True
            for name in ("link", "bus", "console"):
                self.open_uart(int(self.variables[f"{name}_port"]))
        elif found := re.fullmatch(r"sysbus LoadBinary @(\S+) (0x[0-9a-f]+)", command):
            for offset, value in enumerate(Path(found[1]).read_bytes()):
                self.memory[int(found[2], 16) + offset] = value
        elif found := re.fullmatch(r"sysbus WriteByte (0x[0-9a-f]+) (0x[0-9a-f]+)", command):
            self.memory[int(found[1], 16)] = int(found[2], 16)
        elif found := re.fullmatch(r"sysbus WriteDoubleWord (0x[0-9a-f]+) (0x[0-9a-f]+)", command):
            for offset, value in enumerate(int(found[2], 16).to_bytes(4, "little")):
                self.memory[int(found[1], 16) + offset] = value
        elif found := re.fullmatch(r"sysbus ReadDoubleWord (0x[0-9a-f]+)", command):
            word = int.from_bytes(self.read(int(found[1], 16), 4), "little")
            return f"{word}\n" if os.environ.get("RENODE_DOUBLE_DECIMAL") else f"0x{word:08X}\n"
        elif found := re.fullmatch(r"sysbus ReadBytes (0x[0-9a-f]+) (\d+)", command):
            form = "{}" if os.environ.get("RENODE_DOUBLE_DECIMAL") else "0x{:02X}"
            listed = ", ".join(form.format(value) for value in self.read(int(found[1], 16), int(found[2])))
            return f"[\n{listed}, \n]\n"
        return ""

    def read(self, address: int, size: int) -> bytes:
        return bytes(self.memory.get(address + offset, 0) for offset in range(size))

    def open_uart(self, port: int) -> None:
        listener = socket.create_server(("", port), backlog=1)

        def echo() -> None:
            connection = listener.accept()[0]
            while data := connection.recv(4096):
                connection.sendall(data)

        threading.Thread(target=echo, daemon=True).start()


def main() -> None:
    if "--version" in sys.argv:
        print(f"Renode v{os.environ['RENODE_DOUBLE_VERSION']}\n  build: 01234567-202602161226")
        return
    server = SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False, allow_none=True)
    double = Double()
    server.register_function(double.run_keyword, "run_keyword")
    server.register_function(double.get_keyword_names, "get_keyword_names")
    folder = Path(tempfile.gettempdir()) / f"renode-{os.getpid()}"
    folder.mkdir()
    (folder / "robot_port").write_text(str(server.server_address[1]), encoding="ascii")
    server.serve_forever()


if __name__ == "__main__":
    main()
