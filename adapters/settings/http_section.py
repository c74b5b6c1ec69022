"""The section of the settings about the HTTP API: where it listens, and who may use it how often."""

from dataclasses import dataclass

from adapters.settings.parsing import origins, rate
from core.settings import setting


@dataclass(frozen=True)
class HttpSettings:
    """The HTTP API."""

    host: str = setting(
        "127.0.0.1", "the address it listens at", why="only this machine reaches it: a first try needs no key"
    )
    port: int = setting(8080, "the port it listens at", at_least=0, at_most=65_535, why="needs no privileges")
    workers: int = setting(
        0, "processes that answer; 0: one per core, beside the speed layer of `up` one per two cores", at_least=0,
        variable="http_workers", why="`serve` uses the whole machine, `up` leaves half of it to the speed layer",
    )  # fmt: skip
    allowed_hosts: str = setting(
        "", "names, separated by commas, that it answers for beside localhost and numbers; `*.a.b` for a whole domain",
        why="a page of another site cannot reach it by a name of its own",
        default_is="none",
    )  # fmt: skip
    allowed_origins: str = setting(
        "", "origins of other servers' pages that may use it, separated by commas: `https://shop.example`",
        why="no other site's page may read or write",
        default_is="none", parse=origins,
    )  # fmt: skip
    keys: str = setting(
        "auto", "`required`, `off` (anyone may use it), or `auto`: required once there is one, and beyond this machine",
        one_of=("auto", "required", "off"), variable="http_keys",
        why="a first try needs none, and nothing is open to a network by mistake",
    )  # fmt: skip
    rate_limit: str = setting(
        "60000/m", "requests of one key at one server: a number and `/s`, `/m`, `/h` or `/d`; empty: any number",
        why="far beyond a shop's own servers, and one client in a loop leaves room for the others",
        default_is="no limit", parse=rate,
    )  # fmt: skip
    tls_certificate: str = setting(
        "", "a PEM file with the certificate and those above it; the API then speaks HTTPS alone",
        why="on this machine nobody listens in", default_is="none",
    )  # fmt: skip
    tls_key: str = setting(
        "", "the certificate's key, a PEM file", why="it belongs to the certificate", default_is="none"
    )
