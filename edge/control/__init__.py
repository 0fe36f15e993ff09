"""Target levels down to the registers: plans, overrides, commands, contactors."""
