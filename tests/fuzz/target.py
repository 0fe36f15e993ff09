"""One process of the fuzzer: `python -m tests.fuzz.target DECODER [libFuzzer's options] CORPUS`."""

import sys

import atheris

from tests.fuzz import ALL

with atheris.instrument_imports(include=["protocols", "cloud.plans"]):
    from tests.support.decoders import DECODERS, decode


def decode_all(data: bytes) -> None:
    """Decode the rest of the input with the decoder that its first byte chooses."""
    names = list(DECODERS)
    if data:
        decode(names[data[0] % len(names)], data[1:])


if __name__ == "__main__":
    chosen = sys.argv.pop(1)
    atheris.Setup(sys.argv, decode_all if chosen == ALL else lambda data: decode(chosen, data))
    atheris.Fuzz()
