"""Carries a scenario through, phase after phase, and makes a result of what was found."""
