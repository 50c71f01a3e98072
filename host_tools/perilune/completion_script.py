"""Scripts that let a shell complete `perilune`, made from its parsers: words, options, and what their values are.

A script holds what the parsers say. Names of a mission (commands, points, events, ...) it asks for when they are
wanted, by `perilune completion names KIND`, for the target that stands on the line.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .command_line import subparsers_of

FILES = "files"


@dataclass
class Place:
    """What may stand behind some words. path: these; words: subcommands or actions; values: of options; rest: of names.

    A value is "" (unknown), "files", "words A B", or a kind of names.
    """

    path: str
    words: list[str] = field(default_factory=list)
    options: dict[str, argparse.Action] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    rest: str = ""


def places(parser: argparse.ArgumentParser, path: str = "") -> list[Place]:
    """All places, the outermost first."""
    place = Place(path)
    found = [place]
    subparsers = subparsers_of(parser)
    if subparsers is not None:
        place.words = sorted(subparsers.choices)
        for name in place.words:
            inner = places(subparsers.choices[name], f"{path} {name}".strip())
            found += inner
            if path:  # an option may stand before the action that takes it
                place.options |= inner[0].options
                place.values |= inner[0].values
    for action in parser._actions:
        if action.option_strings:
            if action.help == argparse.SUPPRESS:
                continue
            for option in action.option_strings:
                place.options[option] = action
                if action.nargs != 0:
                    place.values[option] = _value(action)
        elif action is not subparsers and action.help != argparse.SUPPRESS and not place.rest:
            place.rest = _value(action)
    return found


def _value(action: argparse.Action) -> str:
    kind = getattr(action, "completes", "")
    if kind:
        return str(kind)
    if action.choices is not None:
        return f"words {' '.join(map(str, action.choices))}"
    return FILES if action.type is Path else ""


def _tables(found: list[Place]) -> str:
    """Two functions that bash and zsh share: what may stand at a place, and what the value of an option is."""
    lines = ["_perilune_table() {", '    p_words="" p_options="" p_valued="" p_rest=""', '    case "$1" in']
    for place in found:
        lines.append(f'    "{place.path}")')
        lines.append(f'        p_words="{" ".join(place.words)}"')
        lines.append(f'        p_options="{" ".join(sorted(place.options))}"')
        lines.append(f'        p_valued="{" ".join(sorted(place.values))}"')
        lines.append(f'        p_rest="{place.rest}" ;;')
    lines += ["    esac", "}", "", "_perilune_value() {", '    p_kind=""', '    case "$1" in']
    by_kind: dict[str, list[str]] = {}
    for place in found:
        for option, kind in place.values.items():
            by_kind.setdefault(kind, []).append(f'"{place.path} {option}"')
    lines += [f'    {" | ".join(keys)}) p_kind="{kind}" ;;' for kind, keys in sorted(by_kind.items()) if kind]
    return "\n".join([*lines, "    esac", "}"])


# Where the cursor is: the words before it, one after the other. Shared by bash and zsh.
_STEP = """\
        if [[ -n $p_option ]]; then
            case $p_option in
            -t | --target) p_target=(--target "$p_word") ;;
            --config) p_config=(--config "$p_word") ;;
            esac
            p_option=""
        elif [[ $p_word == -* ]]; then
            [[ " $p_valued " == *" $p_word "* ]] && p_option=$p_word
        elif [[ " $p_words " == *" $p_word "* ]]; then
            p_path="${p_path:+$p_path }$p_word"
            _perilune_table "$p_path"
        fi"""
_KIND = """\
    if [[ -n $p_option ]]; then
        _perilune_value "$p_path $p_option"
    elif [[ $p_cursor == -* ]]; then
        p_kind="words $p_options"
    elif [[ -n $p_words ]]; then
        p_kind="words $p_words"
    else
        p_kind=$p_rest
    fi"""
_LOCALS = """\
    local p_words p_options p_valued p_rest p_kind="" p_path="" p_option="" p_word"""


def bash(parser: argparse.ArgumentParser) -> str:
    """For bash, from its 4th version on."""
    return f"""# perilune in bash: source <(perilune completion bash)
{_tables(places(parser))}

_perilune() {{
    local p_cursor=${{COMP_WORDS[COMP_CWORD]}} p_at
    local -a p_target=() p_config=()
{_LOCALS}
    COMPREPLY=()
    _perilune_table ""
    for ((p_at = 1; p_at < COMP_CWORD; p_at++)); do
        p_word=${{COMP_WORDS[p_at]}}
{_STEP}
    done
{_KIND}
    case $p_kind in
    "words "*) p_words=${{p_kind#words }} ;;
    files)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$p_cursor")
        return
        ;;
    "") return ;;
    *) p_words=$("${{COMP_WORDS[0]}}" completion names "$p_kind" "${{p_target[@]}}" "${{p_config[@]}}" 2>/dev/null) ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$p_words" -- "$p_cursor")
}}
complete -F _perilune perilune
"""


def zsh(parser: argparse.ArgumentParser) -> str:
    """For zsh."""
    return f"""#compdef perilune
# perilune in zsh: source <(perilune completion zsh), after compinit
{_tables(places(parser))}

_perilune() {{
    local p_cursor=${{words[CURRENT]}}
    local -a p_target p_config
{_LOCALS}
    _perilune_table ""
    for p_word in "${{(@)words[2,CURRENT-1]}}"; do
{_STEP}
    done
{_KIND}
    case $p_kind in
    "words "*) compadd -- ${{=p_kind#words }} ;;
    files) _files ;;
    "") ;;
    *) compadd -- ${{(f)"$("${{words[1]}}" completion names $p_kind $p_target $p_config 2>/dev/null)"}} ;;
    esac
}}
compdef _perilune perilune
"""


def fish(parser: argparse.ArgumentParser) -> str:
    """For fish."""
    found = places(parser)
    paths = " ".join(f"'{place.path}'" for place in found if place.path)
    lines = [
        "# perilune in fish: perilune completion fish | source",
        f"set -g __perilune_paths {paths}",
        "function __perilune_path",
        "    set -l path ''",
        "    for word in (commandline -opc)[2..-1]",
        '        set -l next (string trim -- "$path $word")',
        "        contains -- $next $__perilune_paths; and set path $next",
        "    end",
        "    echo $path",
        "end",
        "function __perilune_at",
        '    test (__perilune_path)"x" = "$argv[1]x"',
        "end",
        "function __perilune_names",
        "    set -l words (commandline -opc)",
        "    set -l more",
        "    for at in (seq (math (count $words) - 1))",
        "        contains -- $words[$at] -t --target; and set -a more --target $words[(math $at + 1)]",
        "        contains -- $words[$at] --config; and set -a more --config $words[(math $at + 1)]",
        "    end",
        "    perilune completion names $argv[1] $more 2>/dev/null",
        "end",
        "complete -c perilune -f",
    ]
    for place in found:
        lines += _fish_lines(place)
    return "\n".join(lines) + "\n"


def _fish_lines(place: Place) -> Iterator[str]:
    head = f"complete -c perilune -n \"__perilune_at '{place.path}'\""
    if place.words:
        yield f"{head} -a '{' '.join(place.words)}'"
    elif place.rest:
        yield f"{head} {_fish_value(place.rest)}"
    for option in sorted(place.options):
        name = f"-l {option[2:]}" if option.startswith("--") else f"-s {option[1:]}"
        kind = place.values.get(option)
        # -x: a value, and no file; without it fish offers files too.
        value = "" if kind is None else " -r -F" if kind == FILES else f" -x {_fish_value(kind)}"
        yield f"{head} {name}{value}".rstrip()


def _fish_value(kind: str) -> str:
    if kind == FILES:
        return "-F"
    if kind.startswith("words "):
        return f"-a '{kind.removeprefix('words ')}'"
    return f"-a '(__perilune_names {kind})'" if kind else ""


SHELLS = {"bash": bash, "zsh": zsh, "fish": fish}
