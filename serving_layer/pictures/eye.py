"""What a process needs to answer by pictures: the index, and the network for pictures that are sent."""

import threading
from pathlib import Path

from adapters.pictures.features import Features, Network, open_network
from adapters.pictures.index import PictureIndex, PictureShelf
from adapters.pictures.opening import opened, squared
from adapters.settings import Settings
from schemas.errors import SettingsError


class Eye:
    """Opens both when they are first needed; threads may share it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.pictures
        self._shelf = PictureShelf(settings.pictures_path)
        self._network: Network | None = None
        self._lock = threading.Lock()

    @property
    def distance(self) -> str:
        """The distance where a question names none."""
        return self._settings.distance

    def index(self) -> PictureIndex:
        """Return the current index. Raises NotReady while there is none."""
        return self._shelf.index()

    def look(self, picture: Path | bytes) -> tuple[PictureIndex, Features]:
        """Return the index and the features of a picture that are comparable with it.

        Raises:
            NotReady: there is no index.      BadPicture: the picture is not taken.
            SettingsError: something is not installed, or the index is another network's.
        """
        index, network = self.index(), self._opened()
        if index.network != network.name:
            remedy = "run `millrace pictures index` again, or set pictures.model back"
            raise SettingsError(f"the index of pictures was made by {index.network}, not by {network.name}: {remedy}")
        return index, network.features([squared(opened(picture), network.side)])[0]

    def _opened(self) -> Network:
        with self._lock:
            if self._network is None:
                self._network = open_network(self._settings.model, self._settings.scaling)
            return self._network
