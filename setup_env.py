"""Makes .venv and fetches the Java libraries: `make setup`, or `python3 setup_env.py [--without-java]`.

Needs nothing but a Python; must be readable by old ones (3.6), so that they can say what is missing. A run that was
interrupted is resumed by the next one, and one that finds everything in place ends at once.
"""

import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(ROOT, ".venv")
VENV_PYTHON = os.path.join(VENV, "bin", "python")
CREATED = os.path.join(VENV, "created")  # the environment is whole, if empty
READY = os.path.join(VENV, "ready")  # and the packages are in it
INPUTS = ["requirements/bootstrap.txt", "requirements/dev.txt", "pyproject.toml", "setup_env.py"]
TESTED = [(3, 11), (3, 12), (3, 13)]
PROBE = "import sys; print(*sys.version_info[:2]); import venv, ensurepip"


class Missing(Exception):
    """Something that a person must provide; the text is one sentence that names the remedy."""


def main(arguments):
    if sys.version_info < TESTED[0]:
        return subprocess.call([find_python(), os.path.abspath(__file__)] + arguments)
    if "--without-java" not in arguments:
        require_java()
    stamp = stamp_of_inputs()
    if read(READY) != stamp:
        make_environment(stamp)
    if "--without-java" not in arguments:
        fetch_jars()
    return 0


def find_python():
    """The Python to build with: a tested version where there is one, else any later one. Raises Missing."""
    names = ["python3"] + ["python%d.%d" % version for version in TESTED]
    folders = os.environ.get("PATH", "").split(os.pathsep)
    places = [os.path.join(folder, name) for name in names for folder in folders]
    later, without_venv = None, None
    for place in [sys.executable] + places:
        if place.startswith(VENV + os.sep) or not os.access(place, os.X_OK):
            continue  # an activated .venv may be about to be replaced
        version, has_venv = probe(place)
        if version in TESTED and has_venv:
            return place
        if version and version >= TESTED[0]:
            later = later or (place if has_venv else None)
            without_venv = without_venv or (place, version)
    if later:
        return later
    if without_venv:
        raise Missing(
            "%s cannot make virtual environments: its venv module is not installed. On Debian or Ubuntu: "
            "apt-get install python%d.%d-venv. Then run `make setup` again." % ((without_venv[0],) + without_venv[1])
        )
    raise Missing(
        "Millrace needs Python 3.11 or later and found %d.%d (%s). Install python3.11, 3.12 or 3.13 (Debian, Ubuntu: "
        "apt-get install python3 python3-venv; macOS: brew install python@3.13) so that it is on PATH, then run "
        "`make setup` again." % (sys.version_info[0], sys.version_info[1], sys.executable)
    )


def probe(python):
    """(version, whether it can make environments) of an interpreter; (None, False) when it does not run."""
    try:
        pipe = subprocess.PIPE
        run = subprocess.run([python, "-c", PROBE], stdout=pipe, stderr=subprocess.DEVNULL, timeout=30)
        major, minor = run.stdout.split()[:2]
    except (OSError, ValueError, subprocess.SubprocessError):
        return None, False
    return (int(major), int(minor)), run.returncode == 0


def require_java():
    # adapters/java.py is for Python >= 3.10: this runs after an older Python has handed over.
    from adapters.java import find_java
    from schemas.errors import SettingsError

    try:
        find_java()
    except SettingsError as error:
        raise Missing(str(error)) from None


def stamp_of_inputs():
    """Changes when a lock does, and when the project was moved, since an environment holds absolute paths."""
    digest = hashlib.sha256(ROOT.encode())
    for name in INPUTS:
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def make_environment(stamp):
    if read(CREATED) != ROOT or not probe(VENV_PYTHON)[0]:
        python = find_python()
        say("1/3  Making .venv with %s" % python)
        if os.path.exists(VENV):
            shutil.rmtree(VENV)
        step([python, "-m", "venv", VENV], "%s could not make .venv" % python)
        write(CREATED, ROOT)
    say("2/3  Installing the packages of requirements/dev.txt (about 600 MB, once; checksums are verified)")
    pip = [VENV_PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    network = "The packages could not be installed. Check the network (or pip's mirror settings)"
    step(pip + ["--require-hashes", "-r", "requirements/bootstrap.txt"], network)
    locked = ["--require-hashes", "--no-build-isolation", "-r", "requirements/dev.txt"]
    # uv does in seconds what takes pip minutes; pip is there for the mirrors and settings that only pip knows.
    uv = [os.path.join(VENV, "bin", "uv"), "pip", "install", "--python", VENV_PYTHON]
    if subprocess.call(uv + locked, cwd=ROOT) != 0:
        say("     uv did not get through; going on with pip, which takes a few minutes")
        pip.remove("--quiet")
        step(pip + locked, network)
    say("3/3  Installing the command .venv/bin/millrace")
    here = ["--no-deps", "--no-build-isolation", "--quiet", "--disable-pip-version-check", "-e", "."]
    step([VENV_PYTHON, "-m", "pip", "install"] + here, "The project itself could not be installed")
    write(READY, stamp)


def fetch_jars():
    if subprocess.call([VENV_PYTHON, "-m", "adapters.jars", "kafka", "spark"], cwd=ROOT) != 0:
        raise SystemExit(1)  # it has said why


def step(command, failure):
    if subprocess.call(command, cwd=ROOT) != 0:
        raise Missing(failure + " (the reason is above), then run `make setup` again: it goes on where it stopped.")


def say(text):
    print(text, file=sys.stderr, flush=True)


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return None


def write(path, text):
    with open(path + ".new", "w") as file:
        file.write(text)
    os.replace(path + ".new", path)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Missing as error:
        say("millrace: %s" % error)
        sys.exit(1)
    except OSError as error:
        say("millrace: Setup cannot write here: %s. Make room or the folder writable, then run it again." % error)
        sys.exit(1)
    except KeyboardInterrupt:
        say("\nmillrace: Interrupted; run `make setup` again to go on where it stopped.")
        sys.exit(130)
