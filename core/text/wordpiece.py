"""Texts as the words and pieces of words that an encoder of BERT's shape knows (Wu et al. 2016).

Letters are lower case and have no accents. The pieces are those of the package tokenizers, which would bring a client
of a model hub along.
"""

import unicodedata
from collections.abc import Iterator, Mapping

LONGEST = 100  # characters of a word; a longer one is unknown
FIRST, LAST, UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
CONTROL = {"Cc", "Cf", "Co", "Cs"}
HAN = (
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF), (0x2F800, 0x2FA1F),
)  # fmt: skip

Vocabulary = Mapping[str, int]


def pieces_of(text: str, vocabulary: Vocabulary, most: int) -> list[int]:
    """Return the numbers of at most ``most`` pieces, the first and the last of which stand for the text's ends."""
    pieces = [vocabulary[FIRST]]
    for word in _words(text):
        if len(pieces) >= most:
            break
        pieces += _split(word, vocabulary)
    return [*pieces[: most - 1], vocabulary[LAST]]


def _words(text: str) -> Iterator[str]:
    word = ""
    for letter in unicodedata.normalize("NFD", text.lower()):
        kind = unicodedata.category(letter)
        is_blank = letter in "\t\n\r" or kind == "Zs"
        if kind == "Mn" or letter == "\ufffd" or (kind in CONTROL and not is_blank):
            continue
        if is_blank or _stands_alone(letter, kind):
            if word:
                yield word
            word = ""
            if not is_blank:
                yield letter
        else:
            word += letter
    if word:
        yield word


def _stands_alone(letter: str, kind: str) -> bool:
    """Return whether a letter is a word of its own: punctuation, and the signs that Chinese is written in."""
    if letter.isascii():
        return not letter.isalnum()
    return kind[0] == "P" or any(first <= ord(letter) <= last for first, last in HAN)


def _split(word: str, vocabulary: Vocabulary) -> list[int]:
    """Return the longest known piece from the left, then that of the rest; unknown where there is none."""
    if len(word) > LONGEST:
        return [vocabulary[UNKNOWN]]
    pieces, begin = list[int](), 0
    while begin < len(word):
        prefix = "##" if begin else ""
        end = next((end for end in range(len(word), begin, -1) if prefix + word[begin:end] in vocabulary), begin)
        if end == begin:
            return [vocabulary[UNKNOWN]]
        pieces.append(vocabulary[prefix + word[begin:end]])
        begin = end
    return pieces
