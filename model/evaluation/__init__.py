"""How good summaries are: scores, what they are compared with, and how sure the figures are."""
