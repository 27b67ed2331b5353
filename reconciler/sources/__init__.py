"""Importers: from elsewhere to the files of a desired state."""
