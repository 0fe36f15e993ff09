"""A coverage-guided fuzzer against every decoder of untrusted bytes."""

ALL = "all"
"""In place of a decoder's name: each input goes to the decoder that its first byte chooses."""
