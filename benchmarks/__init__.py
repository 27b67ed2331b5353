"""Where the figures in the documentation come from: each measured beside its yardstick, in the same run."""
