"""What was due and what came: postings, expectations, replies, and likely causes."""
