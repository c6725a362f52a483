"""`make bench`: Portolan beside Debian's docker-registry on this machine, as a table of ratios. It never fails on a figure."""
