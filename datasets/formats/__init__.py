"""The formats of public data sets, one module per format: each turns rows into events and items of the contract."""

from datasets.formats.base import Importer
from datasets.formats.completejourney import CompleteJourney
from datasets.formats.delimited import Delimited
from datasets.formats.deskdrop import Deskdrop
from datasets.formats.movielens import MovieLens
from datasets.formats.online_retail import OnlineRetail
from datasets.formats.rees46 import Rees46

IMPORTERS: dict[str, type[Importer]] = {
    importer.name: importer for importer in (Rees46, MovieLens, Deskdrop, OnlineRetail, CompleteJourney, Delimited)
}
