"""The sections of ``python -m bench``: a module each, whose ``run`` returns what it measured and by what name."""
