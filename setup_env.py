"""Makes .venv and fetches the Java libraries: `make setup`, or `python3 setup_env.py [--without-java]`.

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
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
CREATED = VENV / "created"  # the environment is whole, if empty
READY = VENV / "ready"  # and the packages are in it
INPUTS = ["requirements/bootstrap.txt", "requirements/dev.txt", "pyproject.toml", "setup_env.py"]
TESTED = [(3, 11), (3, 12), (3, 13)]
PROBE = "import sys; print(*sys.version_info[:2]); import venv, ensurepip"


class Missing(Exception):
    """Something that a person must provide; the text is one sentence that names the remedy."""


def main(arguments):
    if sys.version_info < TESTED[0]:
        python = find_python()
        os.execv(python, [python, __file__, *arguments])
    if "--without-java" not in arguments:
        require_java()
    stamp = stamp_of_inputs()
    if read(READY) != stamp:
        make_environment(stamp)
    if "--without-java" not in arguments:
        return run([VENV_PYTHON, "-m", "adapters.jars", "kafka", "spark"])
    return 0


def find_python():
    """The Python to build with: a tested version where there is one, else any later one. Raises Missing."""
    names = ["python3", "python3.11", "python3.12", "python3.13"]
    folders = os.environ.get("PATH", "").split(os.pathsep)
    places = [sys.executable] + [str(Path(folder, name)) for name in names for folder in folders]
    later, without_venv = None, None
    for place in places:
        # An activated .venv may be about to be replaced.
        version, has_venv = (None, False) if VENV in Path(place).parents else probe(place)
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
    found = "{}.{}".format(*sys.version_info)
    raise Missing(
        f"Millrace needs Python 3.11 or later and found {found} ({sys.executable}). Install python3.11, 3.12 or 3.13 "
        "(Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python@3.13) so that it is on "
        "PATH, then run `make setup` again."
    )


def probe(python):
    """(version, whether it can make environments) of an interpreter; (None, False) when it does not run."""
    try:
        command = [str(python), "-c", PROBE]
        said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=30)
        major, minor = said.stdout.split()[:2]
    except (OSError, ValueError, subprocess.SubprocessError):
        return None, False
    return (int(major), int(minor)), said.returncode == 0


def require_java():
    # These are for Python >= 3.11: an older one has handed over by now.
    from adapters.java import find_java
    from schemas.errors import SettingsError

    try:
        find_java()
    except SettingsError as error:
        raise Missing(str(error)) from None


def stamp_of_inputs():
    """Changes when a lock does, and when the project was moved, since an environment holds absolute paths."""
    return hashlib.sha256(b"".join([str(ROOT).encode()] + [(ROOT / name).read_bytes() for name in INPUTS])).hexdigest()


def make_environment(stamp):
    if read(CREATED) != str(ROOT) or not probe(VENV_PYTHON)[0]:
        python = find_python()
        say(f"1/3  Making .venv with {python}")
        if VENV.exists():
            shutil.rmtree(str(VENV))
        step([python, "-m", "venv", VENV], f"{python} could not make .venv")
        write(CREATED, str(ROOT))
    say("2/3  Installing the packages of requirements/dev.txt (about 600 MB, once; checksums are verified)")
    pip = [VENV_PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    network = "The packages could not be installed: check the network or pip's mirror settings"
    step([*pip, "--quiet", "--require-hashes", "-r", "requirements/bootstrap.txt"], network)
    locked = ["--require-hashes", "--no-build-isolation", "-r", "requirements/dev.txt"]
    # uv does in seconds what takes pip minutes; pip is there for the mirrors and settings that only pip knows. The
    # system's certificates are those that pip and the browser trust, a company's own included.
    if run([VENV / "bin" / "uv", "pip", "install", "--system-certs", "--python", VENV_PYTHON, *locked]) != 0:
        say("     uv did not get through; going on with pip, which takes a few minutes")
        step([*pip, *locked], network)
    say("3/3  Installing the command .venv/bin/millrace")
    here = ["--no-deps", "--no-build-isolation", "--quiet", "--editable", "."]
    step([*pip, *here], "The project itself could not be installed")
    write(READY, stamp)


def step(command, failure):
    if run(command) != 0:
        raise Missing(f"{failure}. The reason is above; once it is mended, `make setup` goes on where it stopped.")


def run(command):
    """The exit status of a command that is run in the project's folder."""
    return subprocess.call([str(part) for part in command], cwd=str(ROOT))


def say(text):
    print(text, file=sys.stderr, flush=True)


def read(path):
    return path.read_text() if path.is_file() else None


def write(path, text):
    """All of the text or nothing."""
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
        say("\nmillrace: Interrupted; run `make setup` again to go on where it stopped.")
        sys.exit(130)
