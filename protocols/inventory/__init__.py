"""Which lamps there are, where they stand and which gateway reads them."""
