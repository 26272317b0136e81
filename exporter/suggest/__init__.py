"""What does a Prometheus hold that SLOs can be made of, and which objective has it met?"""
