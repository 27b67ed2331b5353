"""What becomes of the faults in force, one module a stage. Without faults nothing here is done."""
