"""Tests of what runs when nobody looks."""
