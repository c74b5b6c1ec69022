"""``kafka_options``: one meaning for librdkafka and for Java's client, or a refusal by name."""

from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from adapters.kafka_options import checked, java_options
from schemas.errors import SettingsError

LOGIN = {"security.protocol": "sasl_ssl", "sasl.username": "me", "sasl.password": "secret"}


@pytest.mark.parametrize("name", ["sasl.mechanism", "sasl.mechanisms"])
@pytest.mark.parametrize(
    ("mechanism", "module"),
    [("PLAIN", "plain.Plain"), ("scram-sha-256", "scram.Scram"), ("SCRAM-SHA-512", "scram.Scram")],
)
def test_both_names_of_the_mechanism_choose_the_same_login(name: str, mechanism: str, module: str) -> None:
    java = java_options(checked({**LOGIN, name: mechanism}))
    assert java["sasl.mechanism"] == mechanism.upper()
    assert java["security.protocol"] == "SASL_SSL"
    assert java["sasl.jaas.config"] == (
        f'org.apache.kafka.common.security.{module}LoginModule required username="me" password="secret";'
    )


def test_a_password_may_hold_quotes_and_backslashes() -> None:
    given = checked({**LOGIN, "sasl.mechanism": "PLAIN", "sasl.password": 'a"b\\c;\n'})
    assert given["sasl.password"] == 'a"b\\c;\n'
    assert java_options(given)["sasl.jaas.config"].endswith('password="a\\"b\\\\c;\\n";')


def test_tables_in_the_file_are_names_with_dots() -> None:
    nested = {"security": {"protocol": "SSL"}, "ssl": {"ca": {"location": "probe"}}, "socket.keepalive.enable": True}
    assert checked(nested) == {
        "security.protocol": "SSL", "ssl.ca.location": "probe", "socket.keepalive.enable": "true"
    }  # fmt: skip


def test_an_authority_is_a_pem_truststore(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("-----BEGIN CERTIFICATE-----\n")
    options = {"security.protocol": "SSL", "ssl.ca.location": str(file)}
    assert java_options(checked(options)) == {
        "security.protocol": "SSL", "ssl.truststore.type": "PEM", "ssl.truststore.location": str(file)
    }  # fmt: skip
    for wrong, said in ((tmp_path, "a folder"), (tmp_path / "none.pem", "cannot be read")):
        with pytest.raises(SettingsError, match=f"ssl.ca.location.*{said}"):
            java_options(checked({"ssl.ca.location": str(wrong)}))


def test_a_certificate_of_ones_own_is_a_pem_keystore(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("-----BEGIN PRIVATE KEY-----\n")
    (tmp_path / "cert").write_text("-----BEGIN CERTIFICATE-----\n")
    own = {"ssl.certificate.location": str(tmp_path / "cert"), "ssl.key.location": str(tmp_path / "key")}
    java = java_options(checked({**own, "ssl.key.password": "p"}))
    assert java == {
        "ssl.keystore.type": "PEM", "ssl.keystore.certificate.chain": "-----BEGIN CERTIFICATE-----\n",
        "ssl.keystore.key": "-----BEGIN PRIVATE KEY-----\n", "ssl.key.password": "p",
    }  # fmt: skip
    (tmp_path / "key").write_text("-----BEGIN RSA PRIVATE KEY-----\n")
    with pytest.raises(SettingsError, match="openssl pkcs8"):
        java_options(checked(own))
    with pytest.raises(SettingsError, match="needs its key"):
        java_options(checked({"ssl.certificate.location": str(tmp_path / "cert")}))


def test_whether_the_name_of_the_server_is_checked_means_the_same() -> None:
    assert java_options({"ssl.endpoint.identification.algorithm": "none"}) == {
        "ssl.endpoint.identification.algorithm": ""
    }
    assert java_options(checked({})) == {}  # both check it, by default


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"enable.ssl.certificate.verification": "false"}, "can only be true"),
        ({"ssl.cipher.suites": "x"}, "takes no 'ssl.cipher.suites'"),
        ({"ssl.truststore.location": "x"}, "give ssl.ca.location"),
        ({"sasl.jaas.config": "x"}, "give sasl.mechanism, sasl.username"),
        ({"bootstrap.servers": "x"}, "the setting kafka"),
        ({"sasl.usrname": "x"}, "'sasl.usrname' is unknown.*did you mean sasl.username"),
        ({"ssl.crl.location": "x"}, "'ssl.crl.location' is unknown"),
        ({"isolation.level": "read_uncommitted"}, "'isolation.level' is unknown"),
        ({"sasl.mechanism": "GSSAPI", **LOGIN}, "'sasl.mechanism' must be PLAIN or"),
        ({"sasl.mechanism": "PLAIN", "sasl.mechanisms": "PLAIN"}, "another name"),
        ({"security.protocol": "TLS"}, "'security.protocol' must be PLAINTEXT or"),
        ({"security.protocol": "SASL_SSL"}, "needs sasl.mechanism, sasl.username and sasl.password"),
        ({"sasl.username": "me"}, "sasl.mechanism and sasl.password"),
        ({**LOGIN, "sasl.mechanism": "PLAIN", "security.protocol": "SSL"}, "a login needs"),
        ({"ssl.endpoint.identification.algorithm": "HTTP"}, "must be https or none"),
    ],
)
def test_what_cannot_be_said_to_both_clients_is_refused_by_name(options: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        checked(options)


def test_librdkafka_takes_what_is_let_through() -> None:
    options = {
        **LOGIN, "sasl.mechanism": "PLAIN", "socket.timeout.ms": "1000", "client.id": "shop", "fetch.min.bytes": 1,
        "ssl.endpoint.identification.algorithm": "none", "reconnect.backoff.ms": 50, "debug": "security",
    }  # fmt: skip
    AdminClient({"bootstrap.servers": "127.0.0.1:1", "log_level": 0, **checked(options)})
