"""`tracetui config`: settings with their origin, and faults with their key."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

import tracetui
from tests.support.program import Program
from tracetui.cli.config import VARIABLES
from tracetui.ingest.servers.resolve import server_at
from tracetui.model.errors import UsageError
from tracetui.tui.keys.keymap import check_keymap
from tracetui.tui.settings import load_settings

SECRET = "s3cretS3CRET99"
SOUND = f"""\
theme = "ansi-dark"
mouse = false
[keymap]
"app.quit" = "q,ctrl+x"
[profiles.prod]
url = "https://traces.example.com/jaeger?access_token={SECRET}"
kind = "jaeger"
tenant = "shop"
token-env = "PROD_TOKEN"
lookback = "3h"
limit = 500
headers = {{X-Key = "{SECRET}"}}
headers-env = {{X-Other = "{SECRET}"}}
proxy = "http://user:{SECRET}@proxy:3128"
password-command = "echo {SECRET}"
"""


@pytest.fixture
def config(program: Program) -> Path:
    path = program.home / "config" / "tracetui" / "config.toml"
    path.parent.mkdir(parents=True)
    return path


def test_settings_are_shown_with_their_origin(program: Program, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text(SOUND)
    monkeypatch.setenv("TRACETUI_TOKEN", SECRET)
    monkeypatch.setenv("https_proxy", f"http://user:{SECRET}@proxy")
    monkeypatch.setenv("NO_COLOR", "1")
    result = program("config", "show", "--json")
    found = json.loads(result.out)
    assert (result.code, result.err, found["file"], found["exists"], found["faults"]) == (0, "", str(config), True, [])
    settings = {one["key"]: (one["value"], one["origin"]) for one in found["settings"]}
    assert settings["theme"] == ("ansi-dark", "config file")
    assert settings["ascii"] == (False, "default")
    assert settings["keymap.app.quit"] == ("q,ctrl+x", "config file")
    assert settings["profiles.prod.token-env"] == ("PROD_TOKEN", "config file; the variable is not set")
    assert settings["profiles.prod.limit"] == (500, "config file")
    assert settings["profiles.prod.headers.X-Key"] == ("(hidden)", "config file")
    variables = {one["key"]: (one["value"], one["origin"]) for one in found["environment"]}
    assert variables["TRACETUI_TOKEN"] == ("(set)", "credentials for a server")
    assert variables["https_proxy"] == ("http://***@proxy", "proxy for servers")
    assert variables["NO_COLOR"] == ("1", "no colours")
    assert "TRACETUI_USER" not in variables
    text = program("config", "show").out
    assert SECRET not in result.out + text
    for key, (value, origin) in settings.items():
        (line,) = (line for line in text.splitlines() if line.split()[:1] == [key])
        assert str(value).lower() in line.lower()
        assert line.endswith(origin)


def test_secrets_in_the_wrong_place_are_not_shown(program: Program, config: Path) -> None:
    config.write_text(
        f'colour = "{SECRET}"\n[profiles.prod]\nurl = "http://h:1"\ntoken = "{SECRET}"\npasswd = "{SECRET}"\n'
        f'token-env = "{SECRET}"\ntenant = "Bearer {SECRET}"\n[profiles.x]\nurl = "http://me:{SECRET}@h:1"\n'
    )
    for args in (["show"], ["show", "--json"], ["validate"], ["validate", "--json"]):
        result = program("config", *args)
        assert result.code == (2 if args[0] == "validate" else 0)
        assert result.err
        assert SECRET not in result.out + result.err


def test_valid_and_missing_files_are_valid(program: Program, config: Path) -> None:
    result = program("config", "validate")
    assert (result.code, result.out) == (0, f"{config}: no config file; defaults apply\n")
    config.write_text(SOUND)
    result = program("config", "validate")
    assert (result.code, result.out, result.err) == (0, f"{config}: valid\n", "")


PROFILE = '[profiles.prod]\nurl = "http://h:1"\n'


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('theme = "pink"', "theme: unknown theme pink; themes are "),
        ("them = 1", "them: unknown key; nearest: theme"),
        ("mouse = 3", "mouse: Expected `bool`, got `int`"),
        ('[keymap]\n"app.quti" = "q"', "keymap.app.quti: unknown action app.quti; did you mean app.quit"),
        ('[keymap]\n"app.quit" = "crtl+x"', "keymap.app.quit: unknown key 'crtl+x'"),
        ('[keymap]\n"app.quit" = 1', "keymap.app.quit: Expected `str`, got `int`"),
        ("[profiles]\nprod = 1", "profiles.prod: Expected `object`, got `int`"),
        ("[profiles.prod]", "profiles.prod.url: missing"),
        ('[profiles.prod]\nurl = "h:1"', "profiles.prod.url: not a server address"),
        ('[profiles.prod]\nurl = "http://"', "profiles.prod.url: "),
        (f"{PROFILE}lokback = '1h'", "profiles.prod.lokback: unknown key; nearest: lookback"),
        (f"{PROFILE}lookback = '1 fortnight'", 'profiles.prod.lookback: "1 fortnight" is not a duration'),
        (
            f"{PROFILE}kind = 'zipkn'",
            "profiles.prod.kind: unknown kind 'zipkn' of server; kinds: jaeger, zipkin, tempo",
        ),
        (f"{PROFILE}colour = 'pinkish'", "profiles.prod.colour: unknown colour pinkish; use #rrggbb or red, orange"),
        (f"{PROFILE}colour = '#12345'", "profiles.prod.colour: unknown colour #12345"),
        (f"{PROFILE}color = 'red'", "profiles.prod.color: unknown key; nearest: colour"),
        (f"{PROFILE}limit = -1", "profiles.prod.limit: Expected `int` >= 0"),
        (f"{PROFILE}headers = {{a = 1}}", "profiles.prod.headers.a: Expected `str`, got `int`"),
        (f"{PROFILE}password = ''", "profiles.prod.password: secrets are not allowed here"),
    ],
)
def test_faults_are_reported_with_file_and_key(program: Program, config: Path, text: str, fault: str) -> None:
    config.write_text(text)
    result = program("config", "validate")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"tracetui: {config}: {fault}")
    assert len(result.err.splitlines()) == 1
    with pytest.raises(UsageError):
        use(config)


def use(config: Path) -> None:
    """Use a config file as the program does."""
    check_keymap(load_settings(config).keymap)
    server_at("prod")


def test_all_faults_of_a_file_are_listed(program: Program, config: Path) -> None:
    config.write_text(f'theme = "pink"\nmouse = 3\n[profiles."a b"]\nurl = "http://h:1"\nca = "{config}.pem"\n')
    result = program("config", "validate", "--json")
    assert [fault["key"] for fault in json.loads(result.out)["faults"]] == [
        "mouse",
        "theme",
        "profiles.a b",
        "profiles.a b.ca",
    ]
    assert result.err.splitlines()[0] == "tracetui: 4 faults"


@pytest.mark.parametrize("text", ["theme =", "\x00", "x = [", "theme = 'x'\ntheme = 'y'"])
def test_file_that_is_not_toml_is_rejected(program: Program, config: Path, text: str) -> None:
    config.write_text(text)
    for action in ("show", "validate"):
        result = program("config", action)
        assert (result.code, result.out) == (2, "")
        assert f"{config}: " in result.err


def test_directory_name_that_is_too_long_counts_as_no_file(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "/" + "x" * 300)
    for action in ("show", "validate"):
        result = program("config", action)
        assert (result.code, result.err) == (0, "")


def test_named_pipe_is_not_opened_by_validation(program: Program, config: Path) -> None:
    """It would wait for a writer without end."""
    pipe = config.parent / "pipe"
    os.mkfifo(pipe)
    config.write_text(f'{PROFILE}ca = "{pipe}"')
    assert program("config", "validate").code == 0


def test_every_variable_that_the_program_reads_is_listed() -> None:
    package = Path(tracetui.__file__).parent
    source = "\n".join(path.read_text() for path in package.rglob("*.py"))
    read = set(re.findall(r"""environ(?:\.get\(|\[)["'](\w+)""", source))
    read |= set(re.findall(r"\bTRACETUI_[A-Z]+\b", source))
    assert len(read) > 8
    assert read - VARIABLES.keys() <= {"PYTHONPATH"}
