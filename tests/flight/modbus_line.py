"""The flight's Modbus master on a bench: a port in memory, a client that keeps what it is told, a clock."""

from flight.device.modbus import READ_INPUT, Client, Master, Transaction
from flight.device.reading import Errors
from flight.hal.host import MemoryPort

TIMEOUT_MS = 300
ATTEMPTS = 3
# Read input registers 8 and following: one of them (6.4's example), its answer 000A.
ASK = bytes((0x11, 0x04, 0x00, 0x08, 0x00, 0x01, 0xB2, 0x98))
ANSWER = bytes((0x11, 0x04, 0x02, 0x00, 0x0A, 0xF8, 0xF4))


class Asker(Client):
    """Keeps what it is told."""

    def __init__(self):
        self.answers = []
        self.failures = []

    def answered(self, transaction, buffer, start, end):
        self.answers.append(bytes(buffer[start:end]))

    def failed(self, transaction, reason):
        self.failures.append(reason)


class Line:
    """A master, a port, a client and a clock."""

    def __init__(self):
        self.port = MemoryPort()
        self.master = Master(self.port, TIMEOUT_MS, ATTEMPTS)
        self.client = Asker()
        self.errors = Errors()
        self.now_ms = 1000

    def make(self, function, address, count, slave=0x11, client=None):
        transaction = Transaction(
            self.client if client is None else client, self.errors, slave, function, address, count
        )
        self.master.add(transaction)
        return transaction

    def ask(self, function=READ_INPUT, address=8, count=1, data=b"", slave=0x11):
        """Send one request; its octets."""
        transaction = self.make(function, address, count, slave)
        for i in range(len(data)):
            transaction.data[i] = data[i]
        self.master.submit(transaction)
        self.run(10)
        return self.port.take()

    def run(self, ms):
        """Let time pass, polling when the master wants it."""
        end_ms = self.now_ms + ms
        while True:
            wait_ms = self.master.poll(self.now_ms)
            if self.now_ms + wait_ms >= end_ms:
                break
            self.now_ms += max(wait_ms, 1)
        self.now_ms = end_ms
        self.master.poll(self.now_ms)

    def answer(self, octets, ms=10):
        self.port.put(octets)
        self.run(ms)
