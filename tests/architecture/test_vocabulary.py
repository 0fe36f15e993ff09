"""No word that docs/glossary.md replaces returns in names, log events, texts or the API description."""

import ast
import io
import json
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "docs" / "glossary.md"
_ROW = re.compile(r"^\| (`[^|]+) \| (names|text) \| [^|]+ \|$", re.MULTILINE)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_LOGGERS = {"log", "logger", "_log"}


def replaced(where: str) -> set[str]:
    """The replaced words of the glossary's second table that are looked for in names, or in text."""
    rows = (match for match in _ROW.finditer(GLOSSARY.read_text()) if match[2] == where)
    return {word for row in rows for word in re.findall(r"`([^`]+)`", row[1])}


NAMES = replaced("names")
# A phrase may be broken across lines.
_PHRASES = (r"\s+".join(map(re.escape, phrase.split())) for phrase in sorted(replaced("text")))
TEXT = re.compile(rf"\b({'|'.join(_PHRASES)})\b", re.IGNORECASE)


def words_of(name: str) -> set[str]:
    """The words of a snake_case or camelCase name, in lower case."""
    return {word.lower() for word in _WORDS.findall(name)}


def names_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every name that a module defines or uses, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Name():
                yield node.lineno, node.id
            case ast.Attribute():
                yield node.lineno, node.attr
            case ast.keyword(arg=str(arg)):
                yield node.value.lineno, arg
            case ast.alias():
                yield node.lineno, node.asname or node.name


def log_events_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The events that a module logs, with their lines."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in _LOGGERS
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            yield node.lineno, str(node.args[0].value)


def texts_in(source: str) -> Iterator[tuple[int, str]]:
    """The comments and strings of a module, docstrings among them, with their lines.

    Comments that follow one another are one text: a phrase may be broken across them.
    """
    comment_line, comment = 0, ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            comment_line, comment = comment_line or token.start[0], f"{comment} {token.string.strip('# ')}"
        elif token.type not in (tokenize.NL, tokenize.INDENT, tokenize.DEDENT):
            if comment:
                yield comment_line, comment
                comment_line, comment = 0, ""
            if token.type == tokenize.STRING:
                yield token.start[0], token.string


def replaced_phrases(text: str, first_line: int = 1) -> Iterator[str]:
    """Every replaced phrase of a text, with its line."""
    for match in TEXT.finditer(text):
        yield f"{first_line + text.count(chr(10), 0, match.start())}: {match[0]}"


def tracked(*patterns: str) -> list[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / line for line in listed.splitlines() if (ROOT / line).is_file()]


PYTHON = [path for path in tracked("*.py") if not path.name.endswith("_pb2.py")]
WEB = [
    path
    for path in tracked("dashboards/web/src/*.ts", "dashboards/web/src/*.tsx")
    if "generated" not in path.parts
]
DOCUMENTS = [path for path in tracked("*.md", "*.toml", "*.service", "Makefile") if path != GLOSSARY]


def test_the_glossary_lists_replaced_words() -> None:
    """Were the table not found, the other tests would prove nothing."""
    assert len(NAMES) > 15
    assert TEXT.search("a level that was told")
    assert TEXT.search("set right by\nhand")
    assert {"told", "level"} <= words_of("toldLevel") | words_of("told_level")
    comments = '# set by\n# hand\ny = """Nobody"""\n'
    assert [phrase for line, text in texts_in(comments) for phrase in replaced_phrases(text, line)] == [
        "1: by hand",
        "3: Nobody",
    ]


def test_no_replaced_word_in_names() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in PYTHON
        if path != Path(__file__)
        for line, name in {*names_in(ast.parse(path.read_text())), (0, path.stem)}
        if words_of(name) & NAMES
    ]
    assert found == []


def test_no_replaced_word_in_names_of_web_modules() -> None:
    found = [str(path.relative_to(ROOT)) for path in WEB if words_of(path.stem) & NAMES]
    assert found == []


def test_log_events_are_snake_case_and_use_no_replaced_word() -> None:
    """An operator searches the log for an event: it is a stable name, not a sentence."""
    found = [
        f"{path.relative_to(ROOT)}:{line} {event}"
        for path in PYTHON
        if "tests" not in path.parts
        for line, event in log_events_in(ast.parse(path.read_text()))
        if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", event) or words_of(event) & NAMES
    ]
    assert found == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_replaced_phrase_in_documents(path: Path) -> None:
    assert list(replaced_phrases(path.read_text())) == []


def test_no_replaced_phrase_in_comments_and_strings() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{phrase}"
        for path in PYTHON
        if path != Path(__file__)
        for line, text in texts_in(path.read_text())
        for phrase in replaced_phrases(text, line)
    ]
    assert found == []


def test_no_replaced_phrase_in_web_sources() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{phrase}" for path in WEB for phrase in replaced_phrases(path.read_text())
    ]
    assert found == []


def test_no_replaced_phrase_in_the_api_description() -> None:
    description = json.dumps(json.loads((ROOT / "dashboards/web/src/api/generated/openapi.json").read_text()))
    assert TEXT.findall(description) == []
