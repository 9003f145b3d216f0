"""What was trained for shipped models, a folder each: weights, what they were trained on, and a README with the figures."""
