"""What is known of every SLO between two evaluations."""
