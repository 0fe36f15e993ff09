"""What stands in which register of which device, as data, and how its words are read and written."""
