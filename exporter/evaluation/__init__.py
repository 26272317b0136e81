"""The loop: which slots are missing, fill them, evaluate, publish."""
