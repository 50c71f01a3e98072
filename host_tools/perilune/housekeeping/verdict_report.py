"""A verdict for people and for machines: lines of text, JSON, JUnit's XML."""

from __future__ import annotations

from xml.etree import ElementTree

import msgspec

from ..client.names import counted
from .check import Finding, Verdict


def as_text(verdict: Verdict) -> str:
    """Lines for people: structures, findings, and the verdict last."""
    lines = [f"{'structure':28} {'received':>8} {'expected':>8} {'longest':>9} {'age':>8}"]
    for row in verdict.structures:
        expected = "-" if row.expected is None else str(row.expected)
        age = "-" if row.age_s is None else f"{row.age_s:.1f} s"
        line = f"{row.name:28} {row.received:8} {expected:>8} {row.longest_s:7.2f} s {age:>8}  {row.note}"
        lines.append(line.rstrip())
    lines += [_line(finding) for finding in verdict.findings]
    if verdict.events:
        lines.append("events: " + ", ".join(f"{name} x{times}" for name, times in sorted(verdict.events.items())))
    if verdict.begin:
        lines.append(f"received {verdict.begin} to {verdict.end}")
        lines.append(f"board time {verdict.begin_onboard} to {verdict.end_onboard}")
    failed = sum(finding.fails for finding in verdict.findings)
    unchecked = sum(not row.checked for row in verdict.structures)
    passed = f"PASSED, {counted(unchecked, 'structure')} not checked" if unchecked else "PASSED"
    result = passed if verdict.passed else f"FAILED: {failed} finding{'s' * (failed > 1)}"
    return "\n".join([*lines, f"housekeeping over {verdict.duration_s:.1f} s: {result}"])


def _line(finding: Finding) -> str:
    mark = "FAIL" if finding.fails else "note"
    times = f" ({finding.times} times)" if finding.times > 1 else ""
    return f"{mark}  {finding.at_s:7.1f} s  {finding.kind}: {finding.subject} {finding.detail}{times}"


def as_json(verdict: Verdict) -> bytes:
    """One JSON object."""
    return msgspec.json.encode({"passed": verdict.passed, **msgspec.structs.asdict(verdict)})


def as_junit(verdict: Verdict) -> bytes:
    """A JUnit file as CI systems read it: a test case for each structure, and for each other finding that fails."""
    failing = [finding for finding in verdict.findings if finding.fails]
    names = {row.name for row in verdict.structures}
    cases = [(row.name, [finding for finding in failing if finding.subject == row.name]) for row in verdict.structures]
    cases += [(f"{row.kind} {row.subject}", [row]) for row in failing if row.subject not in names]
    suite = ElementTree.Element(
        "testsuite",
        name="housekeeping",
        tests=str(len(cases)),
        failures=str(sum(bool(rows) for _, rows in cases)),
        skipped=str(sum(not row.checked for row in verdict.structures)),
        time=f"{verdict.duration_s:.3f}",
        # What reads JUnit expects the time without a zone; it is UTC.
        timestamp=verdict.begin[:19],
    )
    properties = ElementTree.SubElement(suite, "properties")
    for name in ("begin", "end", "begin_onboard", "end_onboard"):
        ElementTree.SubElement(properties, "property", name=name, value=getattr(verdict, name))
    notes = {row.name: row for row in verdict.structures if row.note}
    for name, rows in cases:
        case = ElementTree.SubElement(suite, "testcase", classname="housekeeping", name=name)
        if rows:
            text = "\n".join(_line(row) for row in rows)
            ElementTree.SubElement(case, "failure", message=rows[0].detail).text = text
        elif name in notes and not notes[name].checked:
            ElementTree.SubElement(case, "skipped", message=notes[name].note)
        elif name in notes:
            ElementTree.SubElement(case, "system-out").text = notes[name].note
    octets: bytes = ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)
    return octets
