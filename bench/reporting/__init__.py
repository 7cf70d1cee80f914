"""What report.py is made of: runs are read into figures, and figures become tables and pictures."""
