"""Settings: from flag, environment or default, refused in one clear line."""

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from server.config import ConfigError, ServerConfig, load_config, unknown_variables
from server.runtime.device.memory.budget import MOST_ROWS
from server.runtime.providers.cpu import CPU
from server.runtime.providers.cuda import CUDA

EVERY_FIELD = pytest.mark.parametrize("field", ServerConfig.model_fields)


@pytest.fixture(autouse=True)
def _environment_without_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in ServerConfig.model_fields:
        monkeypatch.delenv(f"PRECIS_{field.upper()}", raising=False)


def test_without_settings_the_embedded_model_is_served_on_50051() -> None:
    config = load_config([])

    assert config.bundle == Path("models/default/bundle-cpu-int8")
    assert (config.host, config.port, config.metrics_port) == ("127.0.0.1", 50051, 9090)
    assert config.metrics
    assert config.reflection
    assert config.batching == "continuous"
    assert config.tls_cert is None
    assert config.speculation
    assert config.result_cache_mb == 0
    assert config.precision == "any"
    assert (config.provider, config.strict, config.device) == ("auto", False, 0)
    assert (config.device_memory_fraction, config.capture) == (0.9, "auto")


def test_a_flag_beats_the_environment_which_beats_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PRECIS_MAX_ROWS", "8")
    monkeypatch.setenv("PRECIS_THREADS", "3")

    config = load_config(["--max-rows", "4"])

    assert (config.max_rows, config.threads, config.max_batch_in_flight) == (4, 3, 0)


@pytest.mark.parametrize(
    ("rows", "encode_tokens", "expected"),
    [
        (1, 1024, (1, 1024, 256, 131_072, 32)),
        (16, 1024, (16, 1024, 256, 131_072, 32)),
        (256, 16_384, (256, 16_384, 4096, 2_097_152, 512)),
    ],
)
def test_limits_left_to_be_chosen_grow_with_the_rows(
    rows: int, encode_tokens: int, expected: tuple[int, ...]
) -> None:
    settled = load_config([]).settled(rows=rows, encode_tokens=encode_tokens)

    assert expected == (
        settled.max_rows,
        settled.max_encode_tokens,
        settled.max_queue_documents,
        settled.max_queue_tokens,
        settled.max_batch_in_flight,
    )


def test_limits_that_were_given_stay() -> None:
    given = ("--max-queue-documents", "7", "--max-queue-tokens", "2048")
    config = load_config([*given, "--max-batch-in-flight", "3"])
    settled = config.settled(rows=256, encode_tokens=9)

    assert (settled.max_queue_documents, settled.max_queue_tokens) == (7, 2048)
    assert (settled.max_encode_tokens, settled.max_batch_in_flight) == (9, 3)


def test_the_help_names_the_numbers_of_the_table_of_providers() -> None:
    fields = ServerConfig.model_fields
    cpu, gpu = CPU.encode_tokens, CUDA.encode_tokens
    assert f"0 takes {CPU.max_rows} on a CPU" in str(fields["max_rows"].description)
    assert f"at most {MOST_ROWS}." in str(fields["max_rows"].description)
    told = str(fields["max_encode_tokens"].description)
    assert f"0 takes {cpu} on a CPU, and {gpu} on a GPU" in told


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRECIS_TLS_CERT", "")
    monkeypatch.setenv("PRECIS_PORT", "")

    assert load_config([]).tls_cert is None
    assert load_config([]).port == 50051


@pytest.mark.parametrize(
    ("word", "is_on"), [("on", True), ("off", False), ("true", True), ("0", False)]
)
def test_a_switch_is_on_or_off(word: str, is_on: bool) -> None:
    assert load_config(["--metrics", word]).metrics is is_on


def test_a_switch_without_a_word_is_on() -> None:
    assert load_config(["--strict", "--provider", "cuda"]).strict


def test_a_configuration_cannot_be_changed() -> None:
    config = load_config([])

    with pytest.raises(ValidationError, match="frozen"):
        config.port = 1


@EVERY_FIELD
def test_the_help_shows_every_setting_with_flag_variable_and_default(
    field: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    with pytest.raises(SystemExit) as caught:
        load_config(["--help"])

    text = " ".join(capsys.readouterr().out.split())
    assert caught.value.code == 0
    assert re.search(rf" --{field.replace('_', '-')} \[?[A-Za-z|]+\]? [A-Z a-z]", text)
    assert re.search(rf"\[PRECIS_{field.upper()}; default [^\s;]", text)


@EVERY_FIELD
def test_every_setting_says_how_to_choose_it(field: str) -> None:
    description = ServerConfig.model_fields[field].description

    assert description is not None
    assert description.endswith(".")


@pytest.mark.parametrize(
    ("flag", "value", "expected"),
    [
        ("--port", "70000", "a whole number from 0 to 65535 expected"),
        ("--port", "http", "a whole number from 0 to 65535 expected"),
        ("--threads", "-1", "a whole number from 0 to 1024 expected"),
        ("--max-rows", "-1", "a whole number from 0 to 1024 expected"),
        ("--max-rows", "1.5", "a whole number from 0 to 1024 expected"),
        ("--provider", "gpu", "auto, cuda or cpu expected"),
        ("--strict", "maybe", "on or off expected"),
        ("--device", "-1", "a whole number from 0 to 1023 expected"),
        ("--device-memory-fraction", "1.5", "a number from 0.01 to 1 expected"),
        ("--capture", "", "at least one character expected"),
        ("--drain-grace-s", "nan", "a number from 0 to 3600 expected"),
        ("--drain-grace-s", "-1", "a number from 0 to 3600 expected"),
        ("--default-deadline-s", "inf", "a number from 0 to 86400 expected"),
        ("--precision", "int4", "any, int8, fp32, fp16 or bf16 expected"),
        ("--batching", "static", "continuous, dynamic or off expected"),
        ("--log-level", "loud", "debug, info, warning or error expected"),
        ("--log-format", "xml", "json or text expected"),
        ("--reflection", "maybe", "on or off expected"),
        ("--host", "", "at least one character expected"),
        ("--speculation", "maybe", "on or off expected"),
        ("--result-cache-mb", "-1", "a whole number from 0 to 1048576 expected"),
    ],
)
def test_a_wrong_value_is_refused_naming_flag_variable_value_and_range(
    flag: str, value: str, expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config([flag, value])

    variable = "PRECIS_" + flag.removeprefix("--").replace("-", "_").upper()
    assert str(caught.value) == f"{flag} ({variable}): {value!r} given, {expected}"


def test_a_wrong_value_in_the_environment_is_refused_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PRECIS_MAX_ROWS", "many")

    with pytest.raises(ConfigError, match=r"--max-rows \(PRECIS_MAX_ROWS\): 'many' given"):
        load_config([])


def test_all_that_is_wrong_is_told_in_one_line() -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(["--port", "x", "--max-rows", "-1"])

    assert "--port" in str(caught.value)
    assert "--max-rows" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_variable_that_kubernetes_sets_for_a_service_is_explained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PRECIS_PORT", "tcp://10.0.0.1:50051")

    with pytest.raises(ConfigError, match="enableServiceLinks: false"):
        load_config([])


@pytest.mark.parametrize(
    "arguments", [["--tls-cert", "cert.pem"], ["--tls-key", "key.pem"]], ids=["cert", "key"]
)
def test_certificate_and_key_are_needed_together(arguments: list[str]) -> None:
    with pytest.raises(ConfigError, match=f"needed together with {arguments[0]}$"):
        load_config(arguments)


def test_a_message_must_have_room_for_the_largest_document() -> None:
    with pytest.raises(ConfigError, match="at least 8004096 expected"):
        load_config(["--max-document-bytes", "8000000"])


def test_the_queue_holds_a_document_of_some_length_at_least() -> None:
    with pytest.raises(ConfigError, match="1023 given, 0 or at least 1024 expected"):
        load_config(["--max-queue-tokens", "1023"])


def test_metrics_and_service_cannot_share_a_port_unless_the_system_chooses() -> None:
    with pytest.raises(ConfigError, match="9090 given, another than that of --port expected"):
        load_config(["--port", "9090"])

    assert load_config(["--port", "0", "--metrics-port", "0"]).port == 0
    assert load_config(["--port", "9090", "--metrics", "off"]).port == 9090


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--prt", "1"], "unrecognized arguments: --prt 1"),
        (["--por", "1"], "unrecognized arguments: --por 1"),
        (["--port"], "argument --port: expected one argument"),
        (["50051"], "unrecognized arguments: 50051"),
    ],
)
def test_a_flag_that_is_none_is_refused(arguments: list[str], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        load_config(arguments)


def test_a_misspelt_variable_is_named_with_the_one_that_was_meant() -> None:
    environment = {
        "PRECIS_MAX_ROW": "4",
        "PRECIS_PORT": "1",
        "PRECIS_ADDRESS": "a:1",
        "PRECIS_TOKEN": "x",
        "HOME": "/",
    }
    assert unknown_variables(environment) == ["PRECIS_MAX_ROW (PRECIS_MAX_ROWS?)"]


def test_a_variable_like_no_setting_is_named_alone() -> None:
    assert unknown_variables({"PRECIS_ZZZ": ""}) == ["PRECIS_ZZZ"]


def test_the_version_printed_is_that_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        load_config(["--version"])

    assert not ended.value.code
    project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
    assert capsys.readouterr().out.startswith(f"precis server {project['version']} (Python 3.")
