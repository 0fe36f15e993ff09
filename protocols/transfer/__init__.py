"""Records carried from a gateway to the cloud in a signed file."""
