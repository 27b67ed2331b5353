"""What runs when nobody looks: cycles, history, quarantine, notification, monitoring."""
