"""No message, table or repr holds a secret, however the setting that holds it is mistyped."""

import json
import pickle
from collections.abc import Mapping
from dataclasses import is_dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from adapters.log.kafka_log import Log, Topics
from adapters.settings import Settings, load_settings
from adapters.stores import open_store
from adapters.stores.cassandra_session import Address
from batch_layer.steps.output import Output
from core.settings import StoreUrl
from core.text.masking import masked
from millrace.__main__ import main
from schemas.errors import SettingsError
from speed_layer.steps.micro_batch import Places

SECRET = "hunter2"
LOGINS = [f"me:{SECRET}", f":{SECRET}", SECRET, f"{SECRET}:", f"me:a/{SECRET}", f"me:a@{SECRET}", f"me:12/{SECRET}",
          f"me:a?{SECRET}", f"me:a#{SECRET}", f"me:1?{SECRET}", f"me:[{SECRET}", f"me:{SECRET}%"]  # fmt: skip
PLACES = ["host:6379/0", "host:port/0", "host", "host:99999999/0", "host/views", "a:1,b:2/views", "host/0?password=x"]
SCHEMES = [
    "redis://",
    "rediss://",
    "cassandra://",
    "mysql://",
    "sqlite://",
    "redis:/",
    "redis:",
    "redis//",
    "REDIS://",
    "",
]
URLS = [f"{scheme}{login}@{place}" for scheme in SCHEMES for login in LOGINS for place in PLACES]
URLS += [f"{scheme}me:{SECRET}" for scheme in SCHEMES] + [f"{scheme}me:{SECRET} host:1" for scheme in SCHEMES]
URLS += [f"{scheme}host:1/0?{option}={SECRET}" for scheme in SCHEMES for option in ("password", "pasword", "dc:")]
URLS += [f"{scheme}host:1/views?{SECRET}" for scheme in SCHEMES]
ADDRESSES = ("kafka", "lake", "batch_views", "speed_views", "spark_master", "host", "port", "window", "topic_prefix",
             "home", "jars", "partitioner", "kafka_options", "tls_key", "tls_certificate", "business_rules",
             "rate_limit", "http_keys", "tracing_endpoint")  # fmt: skip


def revealed(value: object) -> str:
    """All that the value holds, in its parts' parts, too."""
    if isinstance(value, StoreUrl):
        return value.reveal()
    if isinstance(value, Mapping):
        return " ".join(revealed(part) for part in value.values())
    return revealed(vars(value)) if is_dataclass(value) else str(value)


def hidden(text: str, at: str) -> None:
    assert SECRET not in text, at


def test_a_mistyped_address_shows_no_secret() -> None:
    for url in URLS:
        hidden(masked(url), url)


def test_a_store_that_refuses_a_mistyped_address_shows_no_secret() -> None:
    for url in URLS:
        try:
            open_store(url).close()
        except SettingsError as error:
            hidden(str(error), url)


def test_settings_with_a_mistyped_address_show_no_secret(tmp_path: Path) -> None:
    for key in ADDRESSES:
        for url in [text for text in URLS[::3] if ":" in text or key != "home"]:  # a@b is a fine name of a folder
            for env in ({f"MILLRACE_{key.upper()}": url}, {f"MILLRACE_{key.upper()}": json.dumps([url])}):
                try:
                    settings = load_settings(env, tmp_path)
                except SettingsError as error:
                    hidden(str(error), f"{key} {url}")
                else:
                    hidden(f"{settings!r} {settings.shown()}", f"{key} {url}")


OPTIONS = [
    {"sasl.password": SECRET},
    {"sasl.pasword": SECRET},
    {"sasl.jaas.config": f'password="{SECRET}"'},
    {SECRET: "sasl.password"},
    {f"me:{SECRET}": ""},
    {"sasl.mechanism": SECRET},
    {"security.protocol": SECRET},
    {"ssl.key.password": SECRET, "ssl.key.pem": SECRET},
    {"ssl.endpoint.identification.algorithm": SECRET},
    {"enable.ssl.certificate.verification": SECRET},
    {"sasl": {"password": SECRET}},
    {"sasl.password": [SECRET]},
    {"sasl.username": "me", "sasl.password": SECRET},
    {"sasl.mechanism": "PLAIN", "sasl.username": "me", "sasl.password": SECRET, "security.protocol": "SSL"},
]


@pytest.mark.parametrize("options", [*OPTIONS, *map(json.dumps, OPTIONS), f"sasl.password={SECRET}"], ids=str)
def test_mistyped_options_of_kafka_show_no_secret(tmp_path: Path, options: object) -> None:
    text = options if isinstance(options, str) else f'{{"a": {json.dumps(options)}, "b"'
    for given in (text, json.dumps(options), f"{text}{{"):
        try:
            settings = load_settings({"MILLRACE_KAFKA_OPTIONS": given}, tmp_path)
        except SettingsError as error:
            hidden(str(error), given)
        else:
            hidden(f"{settings!r} {settings.shown()}", given)


def test_a_mistyped_file_shows_no_secret(tmp_path: Path) -> None:
    url = f"redis://:{SECRET}@h/0"
    options = [
        f'[kafka_options]\nsasl.password = "{SECRET}\n',
        f'[kafka_option]\nx = "{SECRET}"',
        f'kafka_options = "{SECRET}"',
    ]
    for text in (f"speed_views = {url}", f'"{url}" = 1', f'speed_view = "{url}"', *options):
        (tmp_path / "millrace.toml").write_text(text)
        with pytest.raises(SettingsError) as refused:
            load_settings({}, tmp_path)
        hidden(str(refused.value), text)


def test_what_travels_to_workers_or_into_a_log_shows_no_secret_and_keeps_it() -> None:
    url, options = f"redis://:{SECRET}@h/0", {"ssl.key.password": SECRET}
    for value in (
        Settings.of(batch_views=url, speed_views=url, kafka_options=options),
        Places(StoreUrl(url), StoreUrl(url), "h:1", Topics(), options, 1),
        Output(StoreUrl(url), 1, "g"),
        Log("h:1", Topics(), options),
        Address.of(f"cassandra://me:{SECRET}@h/views"),
    ):
        hidden(f"{value!r} {value}", type(value).__name__)
        copy = pickle.loads(pickle.dumps(value))
        assert copy == value
        assert SECRET in revealed(copy)


@pytest.mark.parametrize("words", [("config", "show"), ("config", "show", "--json"), ("doctor",), ("doctor", "--json"),
                                   ("status",), ("generations",), ("history", "u")])  # fmt: skip
def test_commands_show_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    monkeypatch.setenv("MILLRACE_HOME", str(tmp_path))
    for key in ("SPEED_VIEWS", "BATCH_VIEWS", "KAFKA", "SPARK_MASTER"):
        for url in (f"redis://me:{SECRET}@127.0.0.1:port/0", f"redis://:{SECRET}", f"redis://me:1/{SECRET}@127.0.0.1:1/0",
                    f"redis://:{SECRET}@127.0.0.1:1/0", f"spark://me:{SECRET}@127.0.0.1:1"):  # fmt: skip
            monkeypatch.setenv(f"MILLRACE_{key}", url)
            done = CliRunner().invoke(main, words)
            hidden(done.output, f"{key} {url}")
            assert done.exception is None or isinstance(done.exception, SystemExit), (url, done.exception)
        monkeypatch.delenv(f"MILLRACE_{key}")
