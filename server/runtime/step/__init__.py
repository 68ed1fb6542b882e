"""What a step is, on a processor as on a device: its sizes, what it reads and what it writes."""
