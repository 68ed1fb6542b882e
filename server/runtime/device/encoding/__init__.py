"""Documents on their way through the encoder of a device, beside the steps."""
