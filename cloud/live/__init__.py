"""What changes right now, from the ingesters to every open map."""
