"""The physics and the registers of simulated devices."""
