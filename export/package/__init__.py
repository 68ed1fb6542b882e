"""What a bundle holds besides its graphs: presentation, constraints, files, manifest and report."""
