"""The plain baseline for pictures: how often each colour occurs."""

from typing import TYPE_CHECKING

import numpy as np

from adapters.pictures.features import Features

if TYPE_CHECKING:
    from PIL.Image import Image

BINS = (8, 4, 4)  # of hue, saturation and value


def colour_histogram(image: "Image") -> Features:
    """Return the share of each colour, of 128, in a picture."""
    colours = np.asarray(image.convert("HSV"), np.float64).reshape(-1, 3)
    counts, _ = np.histogramdd(colours, BINS, [(0, 256)] * 3)
    return np.asarray(counts.ravel() / len(colours), np.float32)
