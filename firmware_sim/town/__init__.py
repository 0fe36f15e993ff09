"""The simulated town: kecamatan, streets, lamps and how they hang on gateways."""
