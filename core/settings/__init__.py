"""What a setting is: a dataclass field with meaning, range and unit, and the conversion of given values to its type.

The sections of settings, in ``adapters.settings`` and in each recommender's folder, consist of such fields. Nothing
here knows a particular setting, a file or an environment.
"""

from core.settings.fields import Setting, key_of, setting, setting_of
from core.settings.nearest import nearest
from core.settings.reading import value_of
from core.settings.secret import SecretOptions, StoreUrl

__all__ = ["SecretOptions", "Setting", "StoreUrl", "key_of", "nearest", "setting", "setting_of", "value_of"]
