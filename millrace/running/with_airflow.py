"""``make airflow``: Airflow with the project's DAGs beside ``millrace up``, for one machine.

Run as ``python -m millrace.running.with_airflow``. Airflow has its own environment (.venv-airflow) and calls the
command ``millrace`` of this one. Its components are started one by one, so that each ends when this process does.
"""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from adapters.machine.children import port_is_free
from adapters.machine.stopping import until_stopped
from adapters.settings import load_settings
from adapters.terminal.commands import reports_errors
from adapters.terminal.reporting import reporter
from millrace.running.supervisor import Part, Supervisor
from schemas.errors import SettingsError

ROOT = Path(__file__).resolve().parents[2]
AIRFLOW = ROOT / ".venv-airflow" / "bin" / "airflow"
COMPONENTS = ("api-server", "scheduler", "dag-processor")


def airflow_environment(home: Path, port: int, folder: Path, env: Mapping[str, str]) -> dict[str, str]:
    """Return ``env`` with the settings that make Airflow small and local and name the command.

    Args:
        home: of Airflow, with its database, logs and password.      port: of its web page, on 127.0.0.1.
        folder: where tasks run, so that they find the settings that this process finds.
    """
    url = f"http://127.0.0.1:{port}"
    airflow = {
        "CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": "2",
        "CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "API__HOST": "127.0.0.1",
        "API__PORT": str(port),
        "API__BASE_URL": url,
        "API__WORKERS": "1",
        "DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
    }
    # Airflow's own PYTHONPATH stays unset: Airflow must not see our packages.
    command = ["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "millrace"]
    return {
        "AIRFLOW_VAR_MILLRACE_COMMAND": shlex.join(command),
        "AIRFLOW_VAR_MILLRACE_FOLDER": str(folder),
        **{name: text for name, text in env.items() if name != "PYTHONPATH"},
        "AIRFLOW_HOME": str(home),
        **{f"AIRFLOW__{name}": text for name, text in airflow.items()},
    }


def airflow_parts(env: Mapping[str, str], logs: Path) -> list[Part]:
    """Return Airflow's processes; its database must exist."""
    return [
        Part(f"Airflow's {name}", [str(AIRFLOW), name], logs / f"airflow-{name}.log", env=env, shows=False)
        for name in COMPONENTS
    ]


def make_database(env: Mapping[str, str]) -> None:
    """Create or upgrade Airflow's database.

    Raises:
        SettingsError: Airflow is not installed, or it reports why it cannot.
    """
    if not AIRFLOW.exists():
        raise SettingsError("Airflow is not installed: run `make airflow`, which makes .venv-airflow")
    done = subprocess.run([AIRFLOW, "db", "migrate"], env=dict(env), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SettingsError(f"Airflow could not make its database:\n{(done.stdout + done.stderr)[-2000:]}")


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8081, show_default=True, help="Of Airflow's web page.")
@reports_errors
def main(port: int) -> None:
    """Broker, speed layer, HTTP API and Airflow; Ctrl-C or SIGTERM stops all cleanly."""
    settings, say = load_settings(), reporter("airflow")
    home = settings.home.resolve() / "airflow"
    for used, key in ((port, "ARGS='--port N'"), (settings.http.port, "the setting port")):
        if not port_is_free(used):
            raise SettingsError(f"port {used} is taken: choose another by {key}")
    env = airflow_environment(home, port, Path.cwd(), os.environ)
    say("making Airflow's database")
    make_database(env)
    logs = settings.home / "logs"
    millrace = Part("Millrace", [sys.executable, "-m", "millrace", "up"], logs / "up.log")
    url = env["AIRFLOW__API__BASE_URL"]

    def ready_text() -> str:
        return f"{url} · {login(home)} · DAGs are paused until you switch them on; Ctrl-C stops all"

    supervisor = Supervisor([millrace, *airflow_parts(env, logs)], say, f"{url}/api/v2/monitor/health", ready_text)
    with until_stopped(supervisor.ended.set):
        supervisor.run()
        say("stopped")


def login(home: Path) -> str:
    """Return the user and the password that Airflow generated at its first start."""
    generated = home / "simple_auth_manager_passwords.json.generated"
    users = json.loads((generated.read_text() if generated.exists() else "") or "{}")  # empty for a moment
    return ", ".join(f"user {user}, password {password}" for user, password in users.items())


if __name__ == "__main__":
    main()
