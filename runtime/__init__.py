"""I/O that edge, cloud and simulator share, independent of the domain."""
