"""The execution providers: a file for each, their table, and the policy that chooses among them."""
