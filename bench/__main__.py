"""``python -m bench [SECTION …]``: run benchmarks and print each one's figures as JSON."""

import importlib
import json
import sys

SECTIONS = ("throughput", "freshness")


def main() -> None:
    for name in sys.argv[1:] or SECTIONS:
        if name not in SECTIONS:
            sys.exit(f"there is no section {name!r}; known are {', '.join(SECTIONS)}")
        print(f"{name}: {json.dumps(importlib.import_module(f'bench.{name}').run(), indent=1)}", flush=True)


if __name__ == "__main__":
    main()
