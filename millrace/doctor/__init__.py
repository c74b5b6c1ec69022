"""The command ``doctor``: one module of checks per subject, each of which yields a ``Check`` with its remedy."""
