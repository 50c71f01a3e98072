"""The dictionary in others' words: readers of theirs get the values that ours gets."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import re
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest
from flight.limits import APID
from perilune import cli
from perilune.dictionary.export import FORMATS
from perilune.dictionary.export.names import ExportError, flat
from perilune.dictionary.export.xtce import xtce_text
from perilune.dictionary.model import Dictionary
from perilune.telemetry import Decoder
from perilune.telemetry import reports as r
from space_packet_parser.xtce.definitions import XtcePacketDefinition  # type: ignore[import-untyped]
from space_packet_parser.xtce.validation import validate_xtce  # type: ignore[import-untyped]

from tests.host.recorded_downlink import ALL_TYPES, TRIAL, record


@cache
def definition() -> XtcePacketDefinition:
    document = io.BytesIO(xtce_text(record().dictionary).encode())
    return XtcePacketDefinition.from_xtce(document, root_container_name="CCSDSPacket")


def same(theirs: object, ours: object) -> bool:
    return theirs == ours or (isinstance(ours, float) and math.isnan(ours) and math.isnan(float(str(theirs))))


def compare_values(parsed: dict[str, Any], values: dict[str, r.Value], prefix: str = "") -> int:
    """How many values were compared: raw, and engineering or name."""
    for name, value in values.items():
        found = parsed[f"{prefix}{flat(name)}"]
        assert same(found.raw_value, value.raw), name
        if value.text is not None and name != "code":
            assert str(found) == value.text, name
        elif isinstance(value.engineering, float) and not isinstance(value.raw, float):
            assert float(found) == pytest.approx(value.engineering), name
        else:
            assert same(found, value.engineering), name
    return len(values)


def compare(parsed: dict[str, Any], report: r.Report) -> int:
    """Everything that both say."""
    header = report.header
    assert (parsed["PKT_APID"], parsed["PKT_SEQ_COUNT"]) == (APID, header.sequence_count)
    assert (parsed["SERVICE"], parsed["SUBTYPE"]) == (header.service, header.subtype)
    assert (parsed["MESSAGE_COUNT"], parsed["DESTINATION"]) == (header.message_count, header.destination)
    assert (parsed["TIME_SECONDS"], parsed["TIME_FRACTION"]) == (header.time.seconds, header.time.fraction)
    assert parsed["TIME_STATUS"] == header.time.status
    assert parsed["ERROR_CONTROL"] == int.from_bytes(report.raw[-2:], "big")
    if isinstance(report, r.HousekeepingReport):
        assert parsed["SID"] == report.sid
        return compare_values(parsed, report.values)
    if isinstance(report, r.EventReport):
        assert (parsed["EVENT_ID"], parsed["EVENT_HELD_BACK"]) == (report.id, report.held_back)
        return 2 + compare_values(parsed, report.fields, f"EVENT_{flat(report.name)}_")
    pairs = fixed_pairs(parsed, report)
    for theirs, ours in pairs:
        assert same(theirs, ours)
    items = [name for name in parsed if name.startswith("ITEMS_FROM_")]
    for name in items:
        assert parsed[name] == report.raw[int(name.removeprefix("ITEMS_FROM_")) : -2]
    return len(pairs) + len(items)


def fixed_pairs(parsed: dict[str, Any], report: r.Report) -> list[tuple[object, object]]:
    if isinstance(report, r.VerificationReport):
        pairs: list[tuple[object, object]] = [(parsed["REQUEST_ID"], report.request_id)]
        if report.step is not None:
            pairs.append((parsed["REQUEST_STEP"], report.step))
        if report.failure is not None:
            where = None if parsed["FAILURE_WHERE"] == 0xFFFF else parsed["FAILURE_WHERE"]
            pairs += [(parsed["FAILURE_CODE"], report.failure.code), (where, report.failure.where)]
            names = {1: "FAILURE_VALUE_UNSIGNED", 2: "FAILURE_VALUE_SIGNED", 3: "FAILURE_VALUE_FLOAT"}
            if parsed["FAILURE_VALUE_KIND"]:
                pairs.append((parsed[names[parsed["FAILURE_VALUE_KIND"]]], report.failure.value))
        return pairs
    if isinstance(report, r.StructureReport):
        return [
            (parsed["STRUCTURE_SID"], report.sid),
            (parsed["STRUCTURE_ENABLED"], report.enabled),
            (parsed["STRUCTURE_ON_CHANGE"], report.on_change),
            (parsed["STRUCTURE_PERIOD_MS"], report.period_ms),
            (parsed["STRUCTURE_PARAMETERS"], len(report.parameters)),
        ]
    if isinstance(report, r.TimeReport):
        return [
            (1 << parsed["RATE_EXPONENT"], report.period_s),
            (parsed["REPORTED_SECONDS"], report.time.seconds),
            (parsed["REPORTED_FRACTION"], report.time.fraction),
            (parsed["REPORTED_STATUS"], report.time.status),
        ]
    if isinstance(report, r.SequenceChecksumReport):
        return [
            (parsed["ITEM_ID"], report.id),
            (parsed["SEQUENCE_LENGTH"], report.length),
            (parsed["SEQUENCE_CRC"], report.crc),
        ]
    if isinstance(report, r.SequenceContentReport):
        return [
            (parsed["ITEM_ID"], report.id),
            (parsed["SEQUENCE_STEPS"], report.steps),
            (parsed["SEQUENCE_OFFSET"], report.offset),
        ]
    if isinstance(report, r.DisabledEventsReport):
        return [(parsed["DISABLED_EVENTS"], len(report.events))]
    if isinstance(report, r.MonitorDefinitionsReport):
        return [(parsed["MONITOR_DELAY_MS"], report.delay_ms), (parsed["ITEM_COUNT"], len(report.definitions))]
    if isinstance(report, r.PingReport):
        return []
    # All others are a list of items.
    [items] = [value for name in report.__struct_fields__ if isinstance(value := getattr(report, name), (tuple, dict))]
    return [(parsed["ITEM_COUNT"], len(items))]


def test_space_packet_parser_reads_every_type_of_packet_to_the_same_values() -> None:
    decoder = Decoder(record().dictionary)
    seen: set[tuple[int, int]] = set()
    compared = 0
    for octets in record().packets:
        report = decoder.decode(octets)
        if not isinstance(report, r.Report) or getattr(report, "name", "").startswith("structure_"):
            continue  # a structure made at run time is in no dictionary
        compared += compare(definition().parse_bytes(octets), report)
        seen.add((report.header.service, report.header.subtype))
    assert seen == ALL_TYPES
    assert compared > 1000


def test_the_document_is_valid_by_the_schema_of_xtce(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "perilune.xml"
    document.write_text(xtce_text(record().dictionary), encoding="utf-8")
    result = validate_xtce(document, level="schema", raise_on_error=False, allow_schema_download=False)
    capsys.readouterr()
    assert [str(error) for error in result.errors] == []


def test_commands_have_their_arguments_ranges_and_names() -> None:
    root = ElementTree.fromstring(xtce_text(record().dictionary))
    space = {"x": "http://www.omg.org/spec/XTCE/20180204"}
    commands = {one.get("name"): one for one in root.findall(".//x:MetaCommand", space)}
    dictionary = record().dictionary
    expected = {flat(name) for name in dictionary.commands if name != "core.function"}
    assert set(commands) == expected | {"TC"}
    every = commands["trial_every_type"]
    assert [one.get("name") for one in every.findall(".//x:Argument", space)] == list("abcdefghi")
    ranges = {
        one.get("name"): one.find(".//x:ValidRange", space) for one in root.iter(f"{{{space['x']}}}IntegerArgumentType")
    }
    found = ranges["trial_every_type_b_type"]
    assert found is not None
    assert (found.get("minInclusive"), found.get("maxInclusive")) == ("-3", "3")
    assert commands["trial_dangerous"].find("x:DefaultSignificance", space) is not None
    fixed = [one.get("binaryValue") for one in every.findall(".//x:FixedValueEntry", space)]
    assert fixed == ["0200"]
    crc = root.find(".//x:CRC", space)
    assert crc is not None
    assert [one.text for one in crc] == ["1021", "FFFF", "0000"]


def test_the_arguments_of_a_command_have_names_of_their_own() -> None:
    """core.arm has arguments `service`, `subtype` and `function`, as the header of every request has."""
    dictionary = record().dictionary
    commands = cosmos_items(FORMATS["cosmos"](dictionary)["targets/PERILUNE/cmd_tlm/cmd.txt"])
    for name, items in commands.items():
        names = [item for item, _, _, _ in items]
        assert sorted(names) == sorted(set(names)), name
    space = {"x": "http://www.omg.org/spec/XTCE/20180204"}
    root = ElementTree.fromstring(xtce_text(dictionary))
    base = {one.get("name") for one in root.findall(".//x:MetaCommand[@name='TC']//x:Argument", space)}
    assert len(base) == 4
    for command in root.findall(".//x:MetaCommand", space):
        arguments = [one.get("name") for one in command.findall(".//x:Argument", space)]
        assert len(arguments) == len(set(arguments)), command.get("name")
        assert command.get("name") == "TC" or not base & set(arguments), command.get("name")


@pytest.mark.parametrize(("export", "name"), [("xtce", "count"), ("cosmos", "item_count")])
def test_an_argument_with_a_name_that_the_export_needs_is_refused(export: str, name: str) -> None:
    dictionary = record().dictionary
    commands = dict(dictionary.commands)
    command = commands["core.set_parameters"]
    assert command.group is not None
    taken = msgspec.structs.replace(commands["core.arm"].args[0], name=name)
    commands["core.set_parameters"] = msgspec.structs.replace(command, args=(taken,))
    with pytest.raises(ExportError, match=f"core.set_parameters has two arguments {name}"):
        FORMATS[export](msgspec.structs.replace(dictionary, commands=commands))


def test_two_names_that_become_one_are_refused() -> None:
    dictionary = record().dictionary
    points = dict(dictionary.points)
    points["trial_x.y"] = msgspec.structs.replace(points["trial.flag"], name="trial_x.y")
    points["trial.x_y"] = msgspec.structs.replace(points["trial.flag"], name="trial.x_y")
    with pytest.raises(ExportError, match="same name without dots"):
        xtce_text(msgspec.structs.replace(dictionary, points=points))


# --- COSMOS -----------------------------------------------------------------------------------------------------------


def cosmos_items(text: str) -> dict[str, list[tuple[str, int, str, str]]]:
    """Packets of a configuration: name, bits, type, identity of each item that is appended."""
    packets: dict[str, list[tuple[str, int, str, str]]] = {}
    for line in text.splitlines():
        if match := re.match(r"(?:TELEMETRY|COMMAND) PERILUNE (\w+) BIG_ENDIAN", line):
            packets[match[1]] = []
        elif match := re.match(r'  APPEND_(ID_)?(?:ITEM|PARAMETER) (\w+) (-?\d+) (\w+) ?([^" ]*)', line):
            packets[list(packets)[-1]].append((match[2], int(match[3]), match[4], match[5] if match[1] else ""))
    return packets


def test_cosmos_items_lie_where_the_packets_have_them() -> None:
    files = FORMATS["cosmos"](record().dictionary)
    packets = cosmos_items(files["targets/PERILUNE/cmd_tlm/tlm.txt"])
    decoder = Decoder(record().dictionary)
    compared = set()
    for octets in record().packets:
        report = decoder.decode(octets)
        if not isinstance(report, r.HousekeepingReport) or report.name.startswith("structure_"):
            continue
        items = packets[f"HK_{flat(report.name).upper()}"]
        assert sum(bits for _, bits, _, _ in items) == 8 * len(octets)
        number, at, read = int.from_bytes(octets, "big"), 0, {}
        for name, bits, _, identity in items:
            at += bits
            read[name] = number >> (8 * len(octets) - at) & (1 << bits) - 1
            if identity:
                assert read[name] == int(identity)
        for name, value in report.values.items():
            if isinstance(value.raw, int) and value.raw >= 0:
                assert read[flat(name).upper()] == value.raw
        compared.add(report.name)
    assert {"trial.mixed", "core.health", "modes.modes"} <= compared
    commands = cosmos_items(files["targets/PERILUNE/cmd_tlm/cmd.txt"])
    assert [name for name, _, _, _ in commands["TRIAL_EVERY_TYPE"]][-10:] == ["TC_FUNCTION", *"ABCDEFGHI"]
    assert "HAZARDOUS" in files["targets/PERILUNE/cmd_tlm/cmd.txt"].split("TRIAL_DANGEROUS")[1].splitlines()[1]


# --- the others, and the command --------------------------------------------------------------------------------------


def test_json_is_the_dictionary_again() -> None:
    text = FORMATS["json"](record().dictionary)["dictionary.json"]
    assert msgspec.json.decode(text, type=Dictionary) == record().dictionary


def test_tables_have_a_row_for_everything() -> None:
    dictionary = record().dictionary
    files = FORMATS["csv"](dictionary)
    counts = {name: len(list(csv.DictReader(io.StringIO(text)))) for name, text in files.items()}
    assert counts == {
        "parameters.csv": len(dictionary.points),
        "housekeeping.csv": sum(len(row.fields) for row in dictionary.housekeeping.values()),
        "commands.csv": len(dictionary.commands),
        "events.csv": len(dictionary.events),
    }


def test_a_yamcs_instance_names_what_the_gateway_offers() -> None:
    files = FORMATS["yamcs"](record().dictionary)
    assert set(files) == {
        "etc/yamcs.yaml",
        "etc/yamcs.perilune.yaml",
        "etc/processor.yaml",
        "mdb/perilune.xml",
        "README.md",
    }
    instance = files["etc/yamcs.perilune.yaml"]
    for wanted in (
        "port: 10015",
        "port: 10025",
        "spacecraftId: 165",
        "frameLength: 256",
        "useCop1: true",
        "epoch: TAI",
    ):
        assert wanted in instance


def test_a_yamcs_instance_has_what_yamcs_reads() -> None:
    files = FORMATS["yamcs"](record().dictionary)
    instance = files["etc/yamcs.perilune.yaml"]
    links = instance[instance.index("dataLinks:") : instance.index("mdb:")]
    assert "args:" not in re.findall(r"\w+:", links)
    assert "    port: 10015\n" in links
    assert "    virtualChannels:\n      - vcId: 0\n        ocfPresent: true\n" in links
    assert instance.count("packetPreprocessorClassName: org.yamcs.pus.PusPacketPreprocessor\n") == 2
    assert "commandPostprocessorClassName: org.yamcs.tctm.pus.PusCommandPostprocessor\n" in instance
    assert "initialClcwWait: 86400\n" in instance  # the gateway may join much later
    assert "    alarm:\n      parameterCheck: true\n" in files["etc/processor.yaml"]


def test_the_containers_of_yamcs_say_no_size_that_another_parameter_tells() -> None:
    plain = xtce_text(record().dictionary)
    yamcs = FORMATS["yamcs"](record().dictionary)["mdb/perilune.xml"]
    container = re.compile(r'<SequenceContainer name="CCSDSPacket".*?</SequenceContainer>', re.DOTALL)
    described, left_out = container.search(plain), container.search(yamcs)
    assert described is not None
    assert left_out is not None
    assert "<CRC " in described[0]
    assert "BinaryEncoding" not in left_out[0]
    assert container.sub("", yamcs) == container.sub("", plain)


def perilune(*arguments: object) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = cli.main([str(argument) for argument in arguments])
    return status, out.getvalue(), err.getvalue()


def test_the_command_shows_and_exports(tmp_path: Path) -> None:
    status, out, _ = perilune("dictionary", "show", "--dictionary", TRIAL)
    assert status == 0
    assert "trial.every_type" in out
    assert "core.load_permille" in out
    status, out, _ = perilune("dictionary", "show", "TRIAL.LEVEL", "--dictionary", TRIAL)
    assert "coefficients   -10.0, 0.5" in out
    status, out, _ = perilune("dictionary", "show", "core.ping", "--json")
    assert list(json.loads(out)["commands"]) == ["core.ping"]
    status, _, err = perilune("dictionary", "show", "core.pong")
    assert (status, "did you mean core.ping" in err) == (1, True)
    for name in FORMATS:
        status, out, _ = perilune("dictionary", "export", name, tmp_path / name, "--dictionary", TRIAL)
        assert status == 0
        assert all(Path(line).stat().st_size > 100 for line in out.splitlines())
    (tmp_path / "file").touch()
    status, _, err = perilune("dictionary", "export", "csv", tmp_path / "file")
    assert (status, "cannot write" in err) == (1, True)


def test_export_is_a_command_of_its_own_too(tmp_path: Path) -> None:
    for number, words in enumerate((["dictionary", "export"], ["export"])):
        status, out, _ = perilune(*words, "xtce", tmp_path / str(number), "--dictionary", TRIAL)
        assert (status, len(out.splitlines())) == (0, 1)
    assert (tmp_path / "0" / "perilune.xml").read_bytes() == (tmp_path / "1" / "perilune.xml").read_bytes()
    with pytest.raises(SystemExit) as end:
        perilune("export", "doors", tmp_path)
    assert end.value.code == 2
    status, out, _ = perilune("export", "csv", tmp_path / "csv", "--json")
    told = json.loads(out)
    assert told["format"] == "csv"
    assert [Path(name).parent for name in told["files"]] == [tmp_path / "csv"] * 4
    assert len(told["hash"]) == 64
