"""The plots of a report, one a file; each gives None where it has nothing to show."""
