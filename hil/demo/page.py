"""The report of an evening: one HTML page that needs nothing but itself."""

from __future__ import annotations

import base64
import html
from pathlib import Path

from perilune.housekeeping.verdict_report import as_text

from hil.demo.evening import Outcome

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top; }
.ok { color: #1a7f37; } .fail { color: #cf222e; font-weight: bold; } img { max-width: 100%; }
pre { background: #f6f8fa; padding: .8rem; overflow-x: auto; font-size: 12px; }
"""


def write_page(path: Path, outcome: Outcome, plot: Path, title: str) -> None:
    """Write the page, with the plot in it."""
    path.write_text(_page(outcome, plot, title), encoding="utf-8")


def _page(outcome: Outcome, plot: Path, title: str) -> str:
    verdict = '<span class="ok">PASSED</span>' if outcome.passed else '<span class="fail">FAILED</span>'
    findings = "".join(
        f'<tr><td class="{"ok" if row.ok else "fail"}">{"ok" if row.ok else "FAIL"}</td><td>{_text(row.name)}</td>'
        f"<td>{_text(row.found)}</td><td>{_text('' if row.ok else 'expected ' + row.expected)}</td></tr>"
        for row in outcome.findings
    )
    events = "".join(
        f"<tr><td>{at_s / 60:.1f} min</td><td>{_text(severity)}</td><td>{_text(name)}</td><td>{_text(text)}</td></tr>"
        for at_s, severity, name, text in outcome.events
    )
    steps = "".join(f"<tr><td>{at_s:.1f} s</td><td>{_text(text)}</td></tr>" for at_s, text in outcome.steps)
    picture = base64.b64encode(plot.read_bytes()).decode() if plot.is_file() else ""
    checks = "".join(
        f"<h3>Housekeeping {name}</h3><pre>{_text(as_text(row))}</pre>" for name, row in outcome.verdicts.items()
    )
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{_text(title)}</title><style>{_STYLE}</style>
<h1>{_text(title)}: {verdict}</h1>
<p>{outcome.commands} commands, {outcome.frames} frames, {len(outcome.events)} events, {outcome.took_s:.0f} s.</p>
<table>{findings}</table>
<h2>What happened to the payload</h2>
<img alt="temperatures, charge, powers and modes over the evening" src="data:image/png;base64,{picture}">
<h2>Events</h2><p>In minutes of the Moon since the plant began; the demo lets them pass in seconds.</p>
<table><tr><th>at</th><th>severity</th><th>event</th><th>text</th></tr>{events}</table>
<h2>Steps of the sequence</h2><p>In seconds of the board since power-on.</p>
<table><tr><th>at</th><th>step that is over</th></tr>{steps}</table>
{checks}
</html>
"""


def _text(text: str) -> str:
    return html.escape(text)
