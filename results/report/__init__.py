"""The report: one HTML file that needs nothing else, with the answer in words before pictures."""
