"""What the server tells of itself: metrics and logs. Neither ever holds a document's text."""
