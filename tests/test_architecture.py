"""The import rules, checked over the syntax trees, and a check that the checker sees what it should."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAX_LINES = 250
LAYERS = {"batch_layer", "speed_layer", "serving_layer"}
FOUNDATION = {"schemas", "core", "recommenders", "adapters"}
# Package -> which of ours it may import besides itself.
MAY_IMPORT = {
    "schemas": set[str](),
    "core": {"schemas"},
    "recommenders": {"schemas", "core"},
    "adapters": {"schemas", "core", "recommenders"},
    **dict.fromkeys(LAYERS, FOUNDATION),
    "datasets": FOUNDATION,
    "millrace": FOUNDATION | LAYERS | {"datasets"},
}
# Room -> the rooms of its package that it may import beside itself. There is no circle: a room stands below its users.
ROOMS: dict[str, set[str]] = {
    "core/access": set(),
    "core/bytes": set(),
    "core/text": set(),
    "core/settings": {"text"},
    "core/vectors": set(),
    "core/rows": {"bytes"},
    "core/codes": {"bytes", "rows"},
    "core/experiments": {"settings"},
    "core/house": {"settings"},
    "core/lists": set(),
    "core/json": {"bytes"},
    "core/partitions": {"bytes", "json"},
    "core/events": {"bytes", "json", "partitions", "rows"},
    "core/fold": {"bytes", "rows"},
    "core/control": set(),
    "core/proof": {"fold", "rows"},
    "core/ranking": {"bytes", "codes", "rows"},
    "core/quality": {"ranking", "rows"},
    "core/insights": {"events", "experiments", "rows", "telemetry"},
    "core/telemetry": set(),
    "adapters/machine": set(),
    "adapters/models": set(),
    "adapters/pictures": {"models"},
    "adapters/terminal": {"machine"},
    "adapters/settings": {"terminal"},
    "adapters/telemetry": set(),
    "adapters/tracing": {"terminal"},
    "adapters/stores": {"settings", "telemetry", "tracing"},
    "adapters/log": {"tracing"},
    "adapters/broker": {"log", "machine", "settings", "terminal"},
    "adapters/engine": {"log", "machine", "settings"},
    "adapters/lake": {"engine", "log"},
    "adapters/records": {"log", "stores", "terminal"},
    "batch_layer/steps": set(),
    "batch_layer/learning": set(),
    "batch_layer/gate": {"learning"},
    "batch_layer/runs": set(),
    "batch_layer/jobs": {"gate", "learning", "runs", "steps"},
    "datasets/files": set(),
    "datasets/fields": {"files"},
    "datasets/mapping": {"fields", "files"},
    "datasets/formats": {"fields", "files", "mapping"},
    "datasets/sending": {"files"},
    "datasets/importing": {"fields", "files", "formats", "mapping", "sending"},
    "datasets/decoding": {"fields", "files", "mapping"},
    "datasets/relaying": {"decoding", "fields", "files", "formats", "mapping"},
    "datasets/synthetic": {"files"},
    "speed_layer/steps": set(),
    "speed_layer/jobs": {"steps"},
    "serving_layer/access": set(),
    "serving_layer/memory": set(),
    "serving_layer/reading": {"memory"},
    "serving_layer/merged": {"memory", "reading"},
    "serving_layer/answers": {"merged", "reading"},
    "serving_layer/pictures": {"merged", "reading"},
    "serving_layer/insights": {"answers", "merged", "reading"},
    "serving_layer/live": {"answers", "merged", "reading"},
    "serving_layer/page": set(),
    "serving_layer/routes": {"answers", "insights", "live", "merged", "pictures", "proof", "reading"},
    "serving_layer/http": {"access", "answers", "live", "merged", "page", "pictures", "reading", "routes"},
    "serving_layer/proof": {"merged", "reading"},
    "millrace/backup": set(),
    "millrace/demo": {"proof"},
    "millrace/doctor": set(),
    "millrace/export": set(),
    "millrace/judging": set(),
    "millrace/pictures": set(),
    "millrace/proof": set(),
    "millrace/rejected": set(),
    "millrace/report": set(),
    "millrace/reproduce": {"proof"},
    "millrace/running": set(),
}
# Engines and clients, which only edges may touch.
ENGINES = {
    "pyspark": "Spark",
    "delta": "Delta",
    "deltalake": "Delta",
    "psycopg": "PostgreSQL",
    "redis": "Redis",
    "cassandra": "Cassandra",
    "confluent_kafka": "Kafka",
    "kafka": "Kafka",
    "fastapi": "FastAPI",
    "uvicorn": "uvicorn",
    "click": "click",
    "opentelemetry": "OpenTelemetry",
}
# A layer's steps and recommenders may speak of columns and tables they are handed, never open a session.
SPEAK_OF_COLUMNS = LAYERS | {"recommenders"}
COLUMNS = {"pyspark.sql.functions", "pyspark.sql.types", "pyspark.sql.window", "pyspark.sql.column"}
COLUMN_NAMES = {f"pyspark.sql.{name}" for name in ("Column", "DataFrame", "Row", "Window", "functions", "types")}
HEAVY = {"pyspark", "numba", "pandas", "pyarrow", "numpy", "scipy", "implicit", "rich", "fastapi"}


def imports(tree: ast.AST) -> Iterator[str]:
    """Every imported name with its module, e.g. ``core.fold.columns`` or ``pyspark.sql.SparkSession``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def is_edge(path: Path, engine: str) -> bool:
    """Whether the module is where that engine or client may be touched."""
    if path.parts[:2] == ("serving_layer", "routes"):
        return engine == "fastapi"
    if path.parts[:2] == ("serving_layer", "http"):
        return engine in ("fastapi", "uvicorn")
    if path.parts[0] == "recommenders":
        return path.name == "spark.py" and engine == "pyspark"
    return path.parts[0] in ("adapters", "millrace") or path.name == "cli.py" or "jobs" in path.parts[1:-1]


def is_column_only(name: str) -> bool:
    return name in COLUMN_NAMES or any(name == module or name.startswith(module + ".") for module in COLUMNS)


def violations(path: Path, source: str) -> Iterator[str]:
    """What a module, named relative to the root, does against the rules; one sentence each."""
    package = path.parts[0]
    tree = ast.parse(source, str(path))
    for name in imports(tree):
        top = name.split(".")[0]
        if name.startswith("."):
            yield f"{path} imports {name}: imports are absolute"
        if (
            top in MAY_IMPORT
            and top != package
            and top not in MAY_IMPORT.get(package, FOUNDATION | LAYERS | {"datasets"})
        ):
            yield f"{path} imports {name}: {package} must not import {top}"
        room, entered = "/".join(path.parts[:2]), "/".join(name.split(".")[:2])
        are_rooms = top == package and {room, entered} <= ROOMS.keys() and entered != room
        if are_rooms and entered.split("/")[1] not in ROOMS[room]:
            yield f"{path} imports {name}: {room} must not import {entered}"
        at_home = (
            is_edge(path, top) or package not in MAY_IMPORT or (package in SPEAK_OF_COLUMNS and is_column_only(name))
        )
        if top in ENGINES and not at_home:
            yield f"{path} imports {name}: {ENGINES[top]} appears only in adapters, jobs/, cli.py, http/, millrace"
    if path == Path("millrace/__main__.py"):
        for name in imports(
            ast.Module([node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.ClassDef)], [])
        ):
            if name.split(".")[0] in LAYERS | HEAVY | {"datasets", "adapters"}:
                yield f"{path} imports {name} at its top: the command must start fast, so import inside the command"
    if source.count("\n") > MAX_LINES:
        yield f"{path} has {source.count(chr(10))} lines: at most {MAX_LINES}, would two names say it better?"


def project_modules() -> list[Path]:
    """All modules that the rules are for: everything but the tests."""
    folders = [*MAY_IMPORT, "bench", "dags"]
    modules = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted(path.relative_to(ROOT) for path in [*modules, *ROOT.glob("*.py")])


@pytest.mark.parametrize("path", project_modules(), ids=str)
def test_a_module_keeps_the_import_rules(path: Path) -> None:
    assert list(violations(path, (ROOT / path).read_text(encoding="utf-8"))) == []


def test_every_room_has_its_rules_and_says_what_may_go_in() -> None:
    for package in ("core", "adapters", *sorted(LAYERS), "millrace"):
        rooms = {f"{package}/{path.parent.name}" for path in (ROOT / package).glob("*/__init__.py")}
        assert rooms == {room for room in ROOMS if room.startswith(f"{package}/")}
        for room in rooms:
            assert ast.get_docstring(ast.parse((ROOT / room / "__init__.py").read_text(encoding="utf-8"))), room


def test_rooms_stand_on_one_another_without_a_circle() -> None:
    def below(room: str, seen: frozenset[str] = frozenset()) -> set[str]:
        assert room not in seen, f"{room} stands on itself"
        package = room.split("/")[0]
        return {room}.union(*(below(f"{package}/{name}", seen | {room}) for name in ROOMS[room]))

    assert {room for start in ROOMS for room in below(start)} == set(ROOMS)


def test_every_package_is_covered() -> None:
    covered = {path.parts[0] for path in project_modules()}
    with_code = {path.parent.name for path in ROOT.glob("*/*.py")} - {"tests"}
    assert set(MAY_IMPORT) <= with_code <= covered


@pytest.mark.parametrize(
    ("path", "source", "reason"),
    [
        ("schemas/event.py", "import core.fold.columns", "schemas must not import core"),
        ("recommenders/als/model.py", "from adapters import lake", "recommenders must not import adapters"),
        ("recommenders/als/fitting.py", "import pyspark", "Spark appears only"),
        ("core/fold/columns.py", "import recommenders.als", "core must not import recommenders"),
        ("core/rows/views.py", "from core.fold import columns", "core/rows must not import core/fold"),
        ("serving_layer/reading/views.py", "import serving_layer.http.app", "must not import serving_layer/http"),
        ("core/fold/columns.py", "from adapters import lake", "core must not import adapters"),
        ("core/fold/columns.py", "def f():\n    from redis import Redis", "Redis appears only"),
        ("core/fold/columns.py", "from pyspark.sql.functions import col", "Spark appears only"),
        ("adapters/lake/tables.py", "from batch_layer.steps.ingest import run", "adapters must not import batch_layer"),
        ("batch_layer/steps/ingest.py", "from speed_layer.step import fold", "batch_layer must not import speed_layer"),
        ("serving_layer/jobs/x.py", "import batch_layer", "serving_layer must not import batch_layer"),
        ("batch_layer/steps/ingest.py", "from pyspark.sql import SparkSession", "Spark appears only"),
        ("batch_layer/steps/ingest.py", "import pyspark", "Spark appears only"),
        ("serving_layer/merged/sums.py", "if True:\n    import fastapi", "FastAPI appears only"),
        ("serving_layer/http/app.py", "import redis", "Redis appears only"),
        ("serving_layer/api.py", "import fastapi", "FastAPI appears only"),
        ("batch_layer/http/app.py", "import uvicorn", "uvicorn appears only"),
        ("speed_layer/step.py", "import confluent_kafka as k", "Kafka appears only"),
        ("datasets/csv.py", "import click", "click appears only"),
        ("datasets/cli.py", "from serving_layer import sources", "datasets must not import serving_layer"),
        ("serving_layer/cli.py", "import millrace.demo", "serving_layer must not import millrace"),
        ("dags/batch.py", "from millrace import demo", "dags must not import millrace"),
        ("core/fold/columns.py", "from . import item", "imports are absolute"),
        ("millrace/__main__.py", "from batch_layer.cli import batch", "must start fast"),
        ("millrace/__main__.py", "try:\n    import numpy\nexcept ImportError: pass", "must start fast"),
        ("core/fold/columns.py", "x = 1\n" * 251, "251 lines"),
    ],
)
def test_a_planted_violation_is_seen(path: str, source: str, reason: str) -> None:
    sentences = list(violations(Path(path), source))
    assert len(sentences) == 1
    assert reason in sentences[0]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("core/fold/columns.py", "import core.item\nfrom schemas.event import Event\nimport numpy"),
        ("adapters/lake/tables.py", "from delta import DeltaTable\nimport redis"),
        (
            "batch_layer/steps/ingest.py",
            "from pyspark.sql import DataFrame, functions\nfrom pyspark.sql.types import LongType",
        ),
        ("batch_layer/jobs/batch.py", "from pyspark.sql import SparkSession"),
        ("serving_layer/http/app.py", "import fastapi\nimport uvicorn"),
        ("recommenders/als/spark.py", "from pyspark.ml.recommendation import ALS"),
        ("millrace/__main__.py", "import click\ndef demo():\n    import numpy, batch_layer.cli"),
        ("millrace/demo/command.py", "from batch_layer.steps import ingest"),
        ("core/fold/columns.py", "x = 1\n" * 250),
    ],
)
def test_what_is_allowed_is_let_through(path: str, source: str) -> None:
    assert list(violations(Path(path), source)) == []


def borrowed(path: Path, source: str) -> Iterator[str]:
    """What a module of the tests, named relative to the root, takes from where it must not; one sentence each."""
    for name in imports(ast.parse(source, str(path))):
        parts = name.split(".")
        if parts[0] == "tests" and any(part.startswith("test_") or part == "conftest" for part in parts[1:]):
            yield f"{path} imports {name}: what several tests share belongs in tests/kit"
        elif parts[0] == "tests" and parts[1] not in ("kit", path.parts[1]):
            yield f"{path} imports {name}: tests import from tests/kit and their own folder"


@pytest.mark.parametrize("path", sorted(path.relative_to(ROOT) for path in (ROOT / "tests").rglob("*.py")), ids=str)
def test_no_test_module_imports_another(path: Path) -> None:
    assert list(borrowed(path, (ROOT / path).read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("tests/unit/test_a.py", "from tests.unit.test_b import helper"),
        (
            "tests/e2e/test_a.py",
            "def f():\n    import tests.e2e.conftest as shared",
        ),
        ("tests/e2e/test_a.py", "from tests.crash.parts import Part"),
        ("tests/kit/streams.py", "from tests.contract.row_contract import RowContract"),
    ],
)
def test_a_planted_import_between_tests_is_seen(path: str, source: str) -> None:
    assert len(list(borrowed(Path(path), source))) == 1
    assert list(borrowed(Path(path), "from tests.kit.waiting import until")) == []


def is_there(name: str) -> bool:
    """Return whether an imported name of ours is a module, or a name of a module, that exists."""
    parts = name.split(".")
    if parts[0] not in {*MAY_IMPORT, "tests", "bench"}:
        return True
    files = [ROOT.joinpath(*parts[:end]) for end in (len(parts), len(parts) - 1) if end]
    return any(file.with_suffix(".py").exists() or (file / "__init__.py").exists() for file in files)


def test_no_test_imports_a_module_that_has_moved() -> None:
    """Not every test runs at each change."""
    gone = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / "tests").rglob("*.py")
        for name in imports(ast.parse(path.read_text(encoding="utf-8")))
        if not is_there(name)
    ]
    assert gone == []
    assert is_there("core.fold.slow.SlowView")
    assert not is_there("core.no_such_room.SlowView")


# Names that say nothing of the thing, and rates such as ROWS_A_PAGE; fields of printed records keep their names.
EMPTY_NAMES = {"each", "found", "some", "told"}
NAMED = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.ExceptHandler | ast.MatchAs | ast.MatchStar


def given_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The line and the name of whatever a module names: variables, attributes, arguments, functions and classes."""
    fields = {
        id(statement.target)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for statement in node.body
        if isinstance(statement, ast.AnnAssign)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and id(node) not in fields:
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, NAMED) and node.name:
            yield node.lineno, node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((node.lineno, alias.asname) for alias in node.names if alias.asname)


def empty_names(source: str) -> Iterator[str]:
    """The names of a module that are in the glossary's left column, each with its line."""
    for line, name in given_names(ast.parse(source)):
        if name.strip("_") in EMPTY_NAMES or (name.isupper() and ("_A_" in f"_{name}" or "_AN_" in f"_{name}")):
            yield f"line {line}: {name}"


def test_a_variable_is_named_after_its_thing() -> None:
    tests = [path.relative_to(ROOT) for path in (ROOT / "tests").rglob("*.py")]
    for path in [*project_modules(), *tests]:
        assert list(empty_names((ROOT / path).read_text(encoding="utf-8"))) == [], path


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("ROWS_A_PAGE = A_PAGE = 1", ["ROWS_A_PAGE", "A_PAGE"]),
        ("def f(told):\n    return [each for each in told]", ["told", "each"]),
        ("def f(*, each=1):\n    return lambda found: each", ["each", "found"]),
        ("try:\n    f()\nexcept OSError as told:\n    raise", ["told"]),
        ("with f() as found:\n    self.told = found", ["found", "told"]),
        ("def _told():\n    pass\nimport f as each", ["_told", "each"]),
        ("match f():\n    case [1, *each] as found:\n        pass", ["each", "found"]),
        ("if some := f():\n    print(row['found'])", ["some"]),
        ("class C:\n    found: str\nf(told=C().found, name='each')", []),
    ],
)
def test_a_planted_empty_name_is_seen(source: str, names: list[str]) -> None:
    assert sorted(entry.split(": ")[1] for entry in empty_names(source)) == sorted(names)
