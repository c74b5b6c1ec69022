"""What a setting is: a dataclass field with its meaning, its range and its unit, and how a given value becomes its own.

Sections of settings, in ``adapters.settings`` and in each recommender's folder, are made of such fields. Nothing here
knows a particular setting, a file or an environment.
"""

from core.settings.fields import Setting, key_of, setting, setting_of
from core.settings.nearest import nearest
from core.settings.reading import value_of
from core.settings.secret import SecretOptions, StoreUrl

__all__ = ["SecretOptions", "Setting", "StoreUrl", "key_of", "nearest", "setting", "setting_of", "value_of"]
