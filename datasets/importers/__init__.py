"""Importers of public data sets, one module a format."""

from datasets.importers.base import Importer
from datasets.importers.completejourney import CompleteJourney
from datasets.importers.delimited import Delimited
from datasets.importers.deskdrop import Deskdrop
from datasets.importers.movielens import MovieLens
from datasets.importers.online_retail import OnlineRetail
from datasets.importers.rees46 import Rees46

IMPORTERS: dict[str, type[Importer]] = {
    each.name: each for each in (Rees46, MovieLens, Deskdrop, OnlineRetail, CompleteJourney, Delimited)
}
