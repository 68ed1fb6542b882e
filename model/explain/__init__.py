"""What a summary was made from: where each of its words looked in the document."""
