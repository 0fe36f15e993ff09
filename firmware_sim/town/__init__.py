"""The simulated regency: kecamatan, streets, lamps and the gateways they are wired to."""
