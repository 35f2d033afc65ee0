"""What is learned before the model: product leanings, out of fold."""
