"""Commands to lamps: what is accepted, kept, sent and confirmed."""
