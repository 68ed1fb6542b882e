"""Text in and text out: what a request may say, and how tokens become text as they come."""
