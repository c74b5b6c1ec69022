"""How far tests search: `make crash` sets MILLRACE_SEARCH and searches further than every run of the tests can."""

import os

TIMES = int(os.environ.get("MILLRACE_SEARCH", "1"))  # how many times the usual number of examples
EVERY = 1 if TIMES > 1 else 3  # of the calls to a store, which one goes wrong
