"""The keys of those who may call: read from a file, compared, and made by a command.

key_file.py reads and writes the file, known_keys.py holds its keys and follows its changes, and
`python -m server.keys add` makes a key. No key is kept anywhere: the file has hashes.
"""
