"""Rewriting of graphs: each pass leaves the results the same and makes a graph fit its runtime."""
