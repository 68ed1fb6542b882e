"""Every setting of the server: a flag, an environment variable and a default each, read once."""

from server.config.command_line import VERSION, ConfigError, load_config, unknown_variables
from server.config.settings import ServerConfig

USAGE_EXIT_CODE = 2

__all__ = [
    "USAGE_EXIT_CODE",
    "VERSION",
    "ConfigError",
    "ServerConfig",
    "load_config",
    "unknown_variables",
]
