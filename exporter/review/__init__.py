"""What would a senior SRE say of an SLO in a review?"""
