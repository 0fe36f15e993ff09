"""The read side over all concerns: lamps, gateways, areas and the night."""
