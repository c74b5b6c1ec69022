"""The columns in which `millrace generations` prints them. Pure."""

from adapters.terminal.fitted_table import Field
from core.control.listing import mark_of
from core.events.timestamps import time_text
from schemas.metrics import measured

FIELDS = (
    Field("generation", lambda row: row["id"] or "(empty)"),
    Field("published", lambda row: "" if row["published_at"] is None else time_text(row["published_at"]), leaves=1),
    Field("", mark_of, least=8, folds=True),
    Field("events", lambda row: f"{measured(row['metrics']).events:,}", right=True, leaves=2),
    Field("mode", lambda row: row["mode"], leaves=4),
    Field("reason", lambda row: row["reason"], least=10, folds=True, leaves=3),
)
