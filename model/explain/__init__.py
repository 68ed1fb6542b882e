"""Where attention looks: for each word of a summary, and in every mechanism of the zoo."""
