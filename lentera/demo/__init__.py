"""A whole town on one machine: simulator, gateways, broker and cloud as processes of their own."""
