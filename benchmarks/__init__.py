"""Times, side by side and as ratios: `make bench`. Nothing here is asserted; a shared machine's noise is no failure."""
