"""A board boots, says who it is, and counts its boots."""

from tests.board.conftest import Board


def test_dev_reaches_its_prompt(dev: Board) -> None:
    assert dev.exec("import board; print(board.NAME, board.reset_cause() == board.POWER_ON)") == "netduinoplus2 True"
