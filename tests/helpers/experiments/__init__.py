"""What tests of experiments share."""
