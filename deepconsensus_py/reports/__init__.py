"""What is said of a run: outcomes, counts, the table of ZMWs, and the reports made from them."""
