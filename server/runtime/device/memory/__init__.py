"""The memory of a device: its lanes, and how many rows they have room for."""
