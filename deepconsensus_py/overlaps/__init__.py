"""HiFi reads that overlap: which of them are of the same haplotype, and what they tell of each other's errors."""
