"""Records that are transferred from a gateway to the cloud in a signed file."""
