"""The command line's frame: verbs, exit codes, what goes to which stream."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from retail_forecast import __version__
from retail_forecast.cli import main
from retail_forecast.domain.errors import (
    Conflict,
    DataError,
    FileRefused,
    GateRefused,
    LeftoverError,
    PlaceError,
    RetailForecastError,
    UsageError,
)

DOCTOR = "retail_forecast.cli.doctor.doctor"

ERRORS = [
    (RetailForecastError("fell over"), 1),
    (UsageError("no such key"), 2),
    (DataError("broken"), 3),
    (FileRefused("EMPTY_FILE", "empty", where="a.csv", mend="send it again"), 3),
    (GateRefused(("worse",)), 4),
    (PlaceError("read-only"), 5),
    (Conflict("too late"), 5),
    (LeftoverError("a bucket"), 6),
]


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Make the verb doctor end with `error`."""

    def doctor(json_output: bool = False) -> None:  # noqa: ARG001 - declares the option --json-output
        raise error

    monkeypatch.setattr(DOCTOR, doctor)


@pytest.mark.parametrize(("error", "code"), ERRORS, ids=lambda value: type(value).__name__)
def test_exit_code_of_each_error(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(monkeypatch, error)
    assert main.run(["doctor"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[0] == f"Error: {error}"


def test_error_says_where_and_what_to_try(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    failing(monkeypatch, UsageError("no such key", where="a.yaml", mend="remove it"))
    assert main.run(["doctor"]) == 2
    assert capsys.readouterr().err == "Error: a.yaml: no such key\nTry: remove it\n"


def test_json_error_is_the_document_on_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "retail_forecast.cli.doctor.emit", _raise(FileRefused("EMPTY_FILE", "empty", where="a", mend="b"))
    )
    assert main.run(["doctor", "--json"]) == 3
    out, err = capsys.readouterr()
    assert json.loads(out) == {
        "error": {"what": "empty", "where": "a", "mend": "b", "code": "EMPTY_FILE", "exit_code": 3}
    }
    assert err == ""


def test_fault_of_the_program_is_one_line_without_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(monkeypatch, ZeroDivisionError("division by zero"))
    assert main.run(["doctor"]) == 1
    err = capsys.readouterr().err
    assert "ZeroDivisionError: division by zero" in err
    assert "--verbose" in err
    assert "Traceback" not in err


def test_verbose_shows_the_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    failing(monkeypatch, ZeroDivisionError("division by zero"))
    assert main.run(["doctor", "--verbose"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_interrupt_is_quiet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    failing(monkeypatch, KeyboardInterrupt())
    assert main.run(["doctor"]) == 130
    assert capsys.readouterr() == ("", "")


def test_a_verb_chooses_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, typer.Exit(3))
    assert main.run(["doctor"]) == 3


@pytest.mark.parametrize(
    ("argv", "what"),
    [
        ([], "Missing command"),
        (["doctr"], "Did you mean 'doctor'?"),
        (["doctor", "--colour"], "No such option: --colour"),
        (["doctor", "--workspace"], "--workspace"),
    ],
)
def test_a_command_line_that_does_not_fit_exits_2(
    argv: list[str], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert what in err
    assert "Try: retail-forecast" in err


def test_usage_error_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["doctor", "--colour", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "UsageError"


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--version"]) == 0
    assert capsys.readouterr().out == f"retail-forecast {__version__}\n"


def test_each_verb_takes_the_common_options() -> None:
    for name, verb in main.application().commands.items():
        for command in getattr(verb, "commands", {"": verb}).values():
            options = {option for parameter in command.params for option in parameter.opts}
            assert {"--workspace", "--json", "--verbose"} <= options, f"{name} {command.name}"
            assert ("--lake" in options) is (name not in main.WITHOUT_LAKE), f"{name} {command.name}"


def test_the_lake_of_one_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    variable = "RETAIL_FORECAST_LAKE__URI"
    elsewhere = tmp_path / "elsewhere"
    for before in (None, str(tmp_path / "before")):
        if before is not None:
            monkeypatch.setenv(variable, before)
        for place, asked in ((elsewhere, ["--lake", str(elsewhere)]), (before or tmp_path / "lake", [])):
            assert main.run(["sql", "select 1", "--workspace", str(tmp_path), "--json", *asked]) == 3
            assert json.loads(capsys.readouterr().out)["error"]["where"] == str(place)
            assert os.environ.get(variable) == before
    assert main.run(["lake", "history", "--lake", "gs://nothing", "--workspace", str(tmp_path), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["where"] == "gs://nothing"


def test_help_imports_nothing_heavy() -> None:
    heavy = {"numpy", "pandas", "pyarrow", "duckdb", "deltalake", "pydantic", "rich", "sklearn", "xgboost", "mlflow"}
    code = (
        "import sys; from retail_forecast.cli.main import run; run(['--help']);"
        f"sys.exit(', '.join({heavy!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


def test_help_loads_nothing_heavy() -> None:
    # How long it takes is measured by benchmarks/help.py; what would make it slow is looked for here.
    code = (
        "import sys; from retail_forecast.cli.main import run; run(['--help']);"
        "heavy = {'numpy', 'pyarrow', 'pydantic', 'msgspec', 'duckdb', 'deltalake', 'sklearn', 'mlflow', 'rich'};"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr.strip()) == (0, "")


@pytest.mark.parametrize(("argv", "code"), [(["--version"], 0), (["nonsense"], 2)])
def test_the_command_ends_with_its_code_and_all_it_said_after_what_others_tidy_up(argv: list[str], code: int) -> None:
    program = (
        "import atexit, sys; from retail_forecast.cli.main import main;"
        f"sys.argv[1:] = {argv!r}; atexit.register(print, 'forgotten');"
        "from retail_forecast.cli import main as module; first = module.run;"
        "module.run = lambda argv: (atexit.register(print, 'tidied up'), first(argv))[1];"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert done.returncode == code
    assert done.stdout.endswith("tidied up\n")
    assert (__version__ in done.stdout) == (code == 0)


def test_a_verb_is_imported_when_asked_for_only() -> None:
    code = (
        "import sys; from retail_forecast.cli.main import application; application();"
        "sys.exit('retail_forecast.cli.doctor' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _raise(error: Exception) -> object:
    def raising(*_arguments: object) -> None:
        raise error

    return raising
