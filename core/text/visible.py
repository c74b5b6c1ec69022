"""Makes text from outside safe to show: characters that would act on a terminal become escapes."""

import re

# Categories Cc, Zl and Zp, lone surrogates, and the characters of Cf that reorder, hide or tag the text around them.
# The joiners U+200C and U+200D stay, because Persian, Hindi and emoji need them.
_ACTS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str, *, lines: bool = False) -> str:
    r"""Return the text with control characters, including those of writing direction, as escapes such as ``\x1b``.

    Args:
        lines: keep line breaks and tabs, for our own texts of several lines.
    """
    return _ACTS.sub(lambda match: match[0] if lines and match[0] in "\n\t" else _escape(match[0]), text)


def _escape(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return _SHORT.get(character) or f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
