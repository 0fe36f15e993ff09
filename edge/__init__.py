"""One gateway: reads the lamps on its lines, keeps their light to the plan, loses nothing on the way up."""
