"""What `python -m model` can do: one module for each command.

A command module has `add(commands)`, which declares its options and the function that runs it. What
only one command needs (matplotlib, a trainer) is imported inside that function, so that `--help`
and the other commands neither wait for it nor depend on it.
"""
