"""Carries a scenario through: phase after phase, or a search, and makes a result of what was found."""
