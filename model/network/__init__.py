"""The network: an encoder-decoder whose every part is chosen by its configuration."""
