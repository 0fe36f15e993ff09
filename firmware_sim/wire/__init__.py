"""The simulated wire: frames, timing, ports, lines and the network of a gateway."""
