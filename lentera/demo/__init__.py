"""A whole town on one machine: simulator, gateways, broker and cloud, each in its own process."""
