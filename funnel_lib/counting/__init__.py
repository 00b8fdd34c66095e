"""What several sections count with: who reached what, what was missed, who had time."""
