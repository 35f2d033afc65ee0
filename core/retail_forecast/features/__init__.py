"""What is learned or known before the model: product leanings out of fold, history, and the feature store."""
