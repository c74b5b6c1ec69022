"""Settings: one place, environment over file, and a clear sentence about what is wrong."""

from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner

from adapters.settings import Settings, load_settings, milliseconds
from adapters.settings.places import PLACES, SECTIONS, section_fields
from core.settings import setting_of
from core.settings.units import duration_text, memory_text
from millrace.__main__ import main
from recommenders import TABLE, recommender
from schemas.errors import SettingsError
from schemas.rules import Rules


def test_without_file_and_environment_all_is_embedded_in_the_folder(tmp_path: Path) -> None:
    settings = load_settings({}, tmp_path)
    assert settings.home == tmp_path / ".millrace"
    assert settings.batch_views_url.reveal() == f"sqlite:///{tmp_path}/.millrace/batch.sqlite"
    assert settings.lake_path == f"{tmp_path}/.millrace/lake"
    assert settings.rules == Rules()


def test_a_variable_overrides_the_files_key(tmp_path: Path) -> None:
    (tmp_path / "millrace.toml").write_text('kafka = "a:1"\nhistory_items = 5\n[kinds]\npin = 2.5\nrating = "value"\n')
    settings = load_settings({"MILLRACE_KAFKA": "b:2", "HOME": "/x"}, tmp_path)
    assert (settings.log.kafka, settings.fold.history_items) == ("b:2", 5)
    assert settings.fold.kinds == {"pin": 2.5, "rating": "value"}
    assert load_settings({"MILLRACE_KINDS": '{"view": 1}'}, tmp_path).fold.kinds == {"view": 1}


def test_the_config_variable_names_another_file(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("partitions = 7\n")
    assert load_settings({"MILLRACE_CONFIG": "other.toml"}, tmp_path).log.partitions == 7
    with pytest.raises(SettingsError, match="does not exist"):
        load_settings({"MILLRACE_CONFIG": "none.toml"}, tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kafak = 'x'", "unknown setting 'kafak'"),
        ("allowed_origins = 'https://a.example, b.example'", "write 'b.example' as https://host"),
        ("allowed_origins = 'https://a.example/shop'", "as https://host"),
        ("[tracing]\nendpoint = 'collector:4318'", "write http://host:port"),
        ("[tracing]\nendpoint = 'http://me:pw@collector:4318'", "no address with a login"),
        ("[tracing]\nendpoint = 'http://collector:4318/?token=pw'", "no address with a login or options"),
        ("[tracing]\nsample = 1.5", "must be at most 1"),
        ("partitions = 'many'", "'partitions' must be of type int"),
        ("partitions = 2.5", "'partitions' must be of type int"),
        ("partitions = true", "'partitions' must be of type int"),
        ("partitions = 0", "'partitions' must be at least 1"),
        ("als_iterations = 0", "'als_iterations' must be at least 1"),
        ("als_alpha = -1", "'als_alpha' must be a number that is not negative"),
        ("als_regularization = nan", "'als_regularization' must be a number that is not negative"),
        ("shrinkage = inf", "'shrinkage' must be a number that is not negative"),
        ("history_items = 70000", "'history_items' must be at most 65535"),
        ("retention_ms = 0", "'retention_ms' must be positive, or -1"),
        ("spark_memory = 'much'", "'much'"),
        ("window = '30 days'", "setting 'window': '30 days' is not a duration"),
        ("[reading]\nmemory = '1'", "'reading.memory': '1' is not an amount of memory"),
        ("[reading]\nmemory = '1k'", "'reading.memory' must be at least 1m"),
        ("[fold]\nkinds = {}", "names no kind"),
        ("partitioner = 'random'", "murmur2 or crc32"),
        ("[kinds]\nview = -1", "kind 'view'"),
        ("[kinds]\nview = 'often'", "kind 'view'"),
        ("[kinds]\nview = true", "kind 'view'"),
        ("kinds = 3", "'kinds' must be of type table"),
        ("kafka = ['a:1', 'b:2']", "'kafka' must be of type text, not a list"),
        ("lake = {path = 'x'}", "'lake' must be of type text, not a table"),
        ("window = 30", "'window' must be of type text, not 30"),
        ("home = ['x']", "'home' must be of type text, not a list"),
        ("kafka = 'user:pw@h:1'", "write host:port"),
        ("kafka_options = ['sasl.password']", "'kafka_options' must be of type table"),
        ("[kafka_options]\n'security.protocol' = ['SSL']", "'security.protocol' must be text"),
        ("history_itemz = 3", "did you mean history_items"),
        ("colour = 'x'", "known are home, kafka"),
        ("[log]\nkafak = 'x'", r"unknown setting 'kafak' in section \[log\] of .*: did you mean kafka"),
        ("[log]\nlease = '1s'", r"it belongs in \[speed\]"),
        ("log = 'x'", r"write \[log\] above"),
        ("[log]\npartitions = 0", "'log.partitions' must be at least 1"),
        ("partitions = 3\n[log]\npartitions = 4", "in its section and outside it"),
        ("als_factors = 3\n[recommenders.als]\nfactors = 4", "in its section and outside it"),
        ("[recommenders.als]\nfactors = 0", "recommenders.als.factors must be at least 1"),
        ("[recommenders]\nals = 3", "recommenders.als must be of type table"),
        ("kafka = ", "not valid TOML"),
    ],
)
def test_what_is_wrong_in_the_file_is_said(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "millrace.toml").write_text(text)
    with pytest.raises(SettingsError, match=said):
        load_settings({}, tmp_path)


def test_an_unknown_variable_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="environment variable MILLRACE_KAFKAA"):
        load_settings({"MILLRACE_KAFKAA": "x"}, tmp_path)


def test_secrets_are_masked_when_shown() -> None:
    shown = Settings.of(
        speed_views="redis://me:hunter2@host:1/0", kafka_options={"ssl.key.password": "hunter2"}
    ).shown()  # fmt: skip
    assert "hunter2" not in str(shown)
    assert shown["stores"]["speed_views"] == "redis://me:***@host:1/0"


def test_durations_are_whole_milliseconds() -> None:
    assert [milliseconds(duration) for duration in ("200ms", "1.5s", "10m", "24h", "30d")] == [
        200, 1_500, 600_000, 86_400_000, 2_592_000_000
    ]  # fmt: skip


def test_the_fingerprint_tells_rules_apart_and_nothing_else() -> None:
    assert Rules().fingerprint() == Rules(kinds=dict(reversed(list(Rules().kinds.items())))).fingerprint()
    others = [Rules(history_items=21), Rules(partitions=5), Rules(window_ms=1), Rules(kinds={"view": 1})]
    assert len({rules.fingerprint() for rules in [Rules(), *others]}) == 5


def test_the_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "millrace.toml").write_bytes(b"\xef\xbb\xbfpartitions = 7\n")
    assert load_settings({}, tmp_path).log.partitions == 7


def test_traces_are_posted_to_the_path_of_the_standard_where_the_address_has_none(tmp_path: Path) -> None:
    for given, whole in [("http://a:4318", "http://a:4318/v1/traces"), ("https://[::1]/", "https://[::1]/v1/traces"),
                         ("http://a/otlp/traces", "http://a/otlp/traces"), ("", "")]:  # fmt: skip
        assert load_settings({"MILLRACE_TRACING_ENDPOINT": given}, tmp_path).tracing.endpoint == whole
        assert load_settings({"MILLRACE_TRACING_ENDPOINT": whole}, tmp_path).tracing.endpoint == whole


def test_origins_are_addresses_without_a_login(tmp_path: Path) -> None:
    origins = "https://shop.example:8443, https://b.example"
    assert load_settings({"MILLRACE_ALLOWED_ORIGINS": origins}, tmp_path).shown()["http"]["allowed_origins"] == origins


def test_a_file_has_sections_with_durations_and_sizes_as_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = '[log]\nkafka = "a:1"\n[speed]\nlease = "1.5s"\n[engine]\nmemory = "2g"\n[gate]\nitems = 3\n'
    text += '[stores]\ntimeout = "3s"\n'
    (tmp_path / "millrace.toml").write_text(text + '[recommenders.als]\nmemory = "1g"\nfactors = 7\n')
    settings = load_settings({"MILLRACE_GATE_ITEMS": "4", "MILLRACE_ALS_FACTORS": "8"}, tmp_path)
    assert (settings.log.kafka, settings.speed.lease_ms, settings.engine.memory_bytes) == ("a:1", 1_500, 2 << 30)
    assert (settings.gate.items, settings.stores.timeout_ms) == (4, 3_000)
    als = settings.recommender_settings["als"]
    assert (als.factors, als.memory) == (8, 1 << 30)
    assert capsys.readouterr().err == ""


def test_a_file_without_sections_still_works_with_one_note(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "millrace.toml").write_text(
        'kafka = "a:1"\nlease = "1s"\nals_factors = 7\nkeep = 3\n[kinds]\nview = 2\n'
    )
    for _ in range(2):
        settings = load_settings({}, tmp_path)
    assert (settings.log.kafka, settings.speed.lease_ms, settings.rules.kinds) == ("a:1", 1_000, {"view": 2})
    assert settings.recommender_settings["als"].factors == 7
    gone, old = capsys.readouterr().err.splitlines()
    assert "keep" in gone
    assert "has no effect" in gone
    assert old.endswith("[fold] kinds; [log] kafka; [recommenders.als] factors; [speed] lease")


def test_a_changed_copy_is_given_as_a_variable_would_be() -> None:
    settings = Settings.of(lease="2s", als_factors=4)
    assert (settings.speed.lease_ms, settings.recommender_settings["als"].factors) == (2_000, 4)
    assert settings.changed(kinds={"view": 2}).fold.kinds == {"view": 2}
    with pytest.raises(SettingsError, match="did you mean lease"):
        settings.changed(leaze="2s")


def test_shown_settings_make_the_same_settings(tmp_path: Path) -> None:
    for length in (0, 1, 1_500, 60_000, 86_400_000):
        assert not length or milliseconds(duration_text(length)) == length
    assert [memory_text(1 << 30), memory_text(1536 << 20), duration_text(0)] == ["1g", "1536m", "0s"]


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "millrace.toml"
    file.mkdir()
    with pytest.raises(SettingsError, match=r"cannot be read .* MILLRACE_CONFIG"):
        load_settings({}, tmp_path)
    file.rmdir()
    file.symlink_to(file)
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings({}, tmp_path)


KUBERNETES = {
    "MILLRACE_PORT": "tcp://10.0.0.7:8080",
    "MILLRACE_SERVICE_HOST": "10.0.0.7",
    "MILLRACE_SERVICE_PORT": "8080",
    "MILLRACE_SERVICE_PORT_HTTP": "8080",
    "MILLRACE_PORT_8080_TCP": "tcp://10.0.0.7:8080",
    "MILLRACE_PORT_8080_TCP_PROTO": "tcp",
    "MILLRACE_PORT_8080_TCP_PORT": "8080",
    "MILLRACE_PORT_8080_TCP_ADDR": "10.0.0.7",
    "MILLRACE_REDIS_PORT": "tcp://10.0.0.8:6379",
    "MILLRACE_REDIS_SERVICE_HOST": "10.0.0.8",
}


def test_variables_of_kubernetes_are_ignored_with_a_note(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = load_settings({**KUBERNETES, "MILLRACE_PARTITIONS": "3"}, tmp_path)
    assert (settings.http.port, settings.log.partitions) == (8080, 3)
    note = capsys.readouterr().err
    assert all(name in note for name in KUBERNETES)
    assert load_settings({"MILLRACE_PORT": "9000"}, tmp_path).http.port == 9000


@pytest.mark.parametrize("columns", ["80", "100", "200"])
def test_every_name_can_be_copied_from_config_show(columns: str, tmp_path: Path) -> None:
    env = {"MILLRACE_HOME": str(tmp_path), "COLUMNS": columns}
    shown = CliRunner(env=env).invoke(main, ["config", "show"]).output
    for name, place in PLACES.items():
        if name not in ("recommenders", "experiments"):
            assert f" {place} " in shown
            assert f" MILLRACE_{name.upper()} " in shown


def test_every_setting_says_why_its_default_is_so() -> None:
    sections = [*SECTIONS.values(), *(recommender(name).settings for name in TABLE)]
    entries = [entry for section in sections for _, entry in section_fields(section)]
    alone = [entry for entry in fields(Settings) if setting_of(entry).about]
    assert [entry.name for entry in [*entries, *alone] if setting_of(entry).about and not setting_of(entry).why] == []


def test_config_show_says_what_an_empty_value_means(tmp_path: Path) -> None:
    shown = CliRunner(env={"MILLRACE_HOME": str(tmp_path), "COLUMNS": "200"}).invoke(main, ["config", "show"]).output
    rows = {cells[1].strip(): cells[2].strip() for line in shown.splitlines() if len(cells := line.split("│")) == 5}
    assert rows["log.kafka"] == "(a broker embedded in home)"
    assert rows["log.topic_prefix"] == "(none)"


def test_a_learned_blend_may_ask_every_source_but_those_that_are_turned_off() -> None:
    off = {"mf": {"weight": 0}}
    assert Settings.of(blend_learns="all").blend_sources == tuple(TABLE)
    assert set(Settings.of(blend_learns="all", recommenders=off).blend_sources) == {*TABLE} - {"mf"}
    assert Settings.of(blend_learns=" als ,popular").blend_sources == ("als", "popular")
    assert Settings.of(blend_learns="").blend_sources == ()
    with pytest.raises(SettingsError, match="unknown source 'al': did you mean"):
        Settings.of(blend_learns="popular, al")
